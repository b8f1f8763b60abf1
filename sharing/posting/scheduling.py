"""Local times with a zone: what an editor chose, and the moment that it is.

A time is kept as it was chosen. The moment is computed anew whenever it is looked at, because what a zone's
clocks do next year is decided by people.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Unusable(ValueError):
    """Say in a sentence why this is no time to post at."""


def zone(name: str) -> ZoneInfo:
    """Return the zone of a name; raises Unusable."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Unusable(f"There is no time zone {name[:60]!r}.") from error


def parse(text: str) -> datetime:
    """Return a local time without a zone, “2027-03-28T02:30”; raises Unusable."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M")
    except ValueError as error:
        raise Unusable("Choose a day and a time.") from error


def moment(local: datetime, zone_name: str) -> datetime:
    """Return the moment (UTC) of a local time without a zone.

    A time that the clocks skip is taken as many minutes after the gap begins as it says (a post for 02:30
    in a night without one goes out at 03:30); of one that comes twice, the first. Raises Unusable.
    """
    if local.tzinfo is not None:
        raise Unusable("A local time has no zone of its own.")
    there = local.replace(tzinfo=zone(zone_name), fold=0)
    try:
        return there.astimezone(UTC)
    except OverflowError as error:
        raise Unusable("This time is beyond what a calendar holds.") from error


def is_skipped(local: datetime, zone_name: str) -> bool:
    """Tell whether clocks never show this local time."""
    back = moment(local, zone_name).astimezone(zone(zone_name)).replace(tzinfo=None)
    return back != local.replace(fold=0)


def comes_twice(local: datetime, zone_name: str) -> bool:
    """Tell whether clocks show this local time twice."""
    there = zone(zone_name)
    first, second = (local.replace(tzinfo=there, fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first - second > timedelta(0)
