"""Local times with a zone: what an editor chose, and the moment that it is.

A time is kept as it was chosen. The moment is computed anew whenever it is looked at, because what a zone's
clocks do next year is decided by people.
"""

import calendar
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_WRITTEN = re.compile(r"(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}", re.ASCII)


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
        raise Unusable(_no_such_day(text) or "Choose a day and a time.") from error


def _no_such_day(text: str) -> str:
    """Return that a month has no such day; empty where something else is wrong."""
    found = _WRITTEN.fullmatch(text)
    year, month, day = map(int, found.groups()) if found else (0, 0, 0)
    if not (year and 1 <= month <= 12 and 1 <= day <= 31):
        return ""
    if day <= calendar.monthrange(year, month)[1]:
        return ""
    return f"There is no {day} {calendar.month_name[month]} {year}. Choose another day."


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


def note(local_text: str, zone_name: str) -> str:
    """Return what an editor may not expect of a local time: an hour that clocks skip or show twice; else nothing.

    Also nothing of a time that is none.
    """
    try:
        local = parse(local_text)
        due = moment(local, zone_name)
        if is_skipped(local, zone_name):
            there = due.astimezone(zone(zone_name))
            return (
                f"Clocks in {zone_name} skip {local:%H:%M} on that day, when they go forward: the post goes out at "
                f"{there:%H:%M}."
            )
        if comes_twice(local, zone_name):
            return (
                f"Clocks in {zone_name} show {local:%H:%M} twice on that day, when they go back: the post goes out "
                "at the first one."
            )
    except (Unusable, OverflowError):
        pass  # an error says so already
    return ""


def comes_twice(local: datetime, zone_name: str) -> bool:
    """Tell whether clocks show this local time twice."""
    there = zone(zone_name)
    first, second = (local.replace(tzinfo=there, fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first - second > timedelta(0)
