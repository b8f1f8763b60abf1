"""How many shares each target had up to the end of a day: what a report ranks by, however long its period.

A day's standings are those of the day before and its counts. They are written once it is over, by the nightly job;
what counts on it later is added by the drain, in the commit that counts it. Both hold the position of the stream,
so neither misses what the other writes.
"""

from collections.abc import Iterator
from datetime import UTC, date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from sharing import stream
from sharing.counting import Group, add
from sharing.count_models import FORGOTTEN_DAYS
from sharing.models import ShareClass, ShareCount, ShareStanding, StandingDay, StreamPosition

_CLASSES = tuple(ShareClass.values)
# Of each class, what rows of ShareCount add up to.
_SUMS = ", ".join(
    f"SUM(CASE WHEN share_class = '{each}' THEN count ELSE 0 END) AS {each}" for each in _CLASSES
)
_COLUMNS = ", ".join(_CLASSES)


def write_missing() -> int:
    """Write the standings of every closed day that has none, oldest first; return how many days that were.

    Each day is one transaction: killed anywhere, the next run goes on. Two at once write each day once.
    """
    written = 0
    for day in _missing(timezone.now().astimezone(UTC).date()):
        written += _write(day)
    return written


def add_late(groups: list[Group]) -> None:
    """Add what counts on days whose standings are written; in the transaction that counts.

    Nothing is asked of the database unless something is older than yesterday's midnight.
    """
    today = timezone.now().astimezone(UTC).date()
    late = [group for group in groups if group.day < today]
    if not late:
        return
    days = list(
        StandingDay.objects.filter(day__gte=min(group.day for group in late)).values_list(
            "day", flat=True
        )
    )
    numbers: dict[tuple[Any, ...], tuple[int, ...]] = {}
    for group in late:
        for day in days:
            if day >= group.day:
                key = (day, group.target_id)
                before = numbers.get(key, (0,) * len(_CLASSES))
                numbers[key] = tuple(
                    number + group.count * (name == group.share_class)
                    for name, number in zip(_CLASSES, before, strict=True)
                )
    if numbers:
        add(ShareStanding, ("day", "target_id"), _CLASSES, numbers)


def _missing(today: date) -> Iterator[date]:
    """Return closed days without standings, in order, from the newest written or the oldest counted one on."""
    last = StandingDay.objects.aggregate(last=Max("day"))["last"]
    if last is None:
        counted = ShareCount.objects.exclude(day=FORGOTTEN_DAYS).aggregate(first=Min("day"))
        earliest = today - settings.SHARE_STANDINGS_KEPT
        # The day before the first one has standings too: those of nobody, or of what is forgotten.
        last = max(counted["first"] or today, earliest) - timedelta(2)
    day = last + timedelta(1)
    while day < today:
        yield day
        day += timedelta(1)


@transaction.atomic
def _write(day: date) -> int:
    # The drain holds this row while it counts.
    list(StreamPosition.objects.select_for_update().filter(stream=stream.STREAM))
    if StandingDay.objects.filter(day=day).exists():
        return 0
    before = StandingDay.objects.filter(day=day - timedelta(1)).exists()
    source = (
        f"""
        SELECT target_id, {_COLUMNS} FROM sharing_sharestanding WHERE day = %(before)s
        UNION ALL
        SELECT target_id, {_SUMS} FROM sharing_sharecount WHERE day = %(day)s GROUP BY target_id
        """
        if before
        else f"SELECT target_id, {_SUMS} FROM sharing_sharecount WHERE day <= %(day)s GROUP BY target_id"
    )
    sums = ", ".join(f"SUM({each})" for each in _CLASSES)
    # Names of our own columns and classes alone are put into the statement.
    statement = f"""
    INSERT INTO sharing_sharestanding (day, target_id, {_COLUMNS})
    SELECT %(day)s, target_id, {sums} FROM ({source}) AS parts GROUP BY target_id
    """  # noqa: S608
    adapt = connection.ops.adapt_datefield_value
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            statement = statement.replace("SELECT %(day)s,", "SELECT %(day)s::date,")
        cursor.execute(statement, {"day": adapt(day), "before": adapt(day - timedelta(1))})
    StandingDay.objects.create(day=day)
    return 1
