"""How many shares each target had up to the end of a day: what a report ranks by, however long its period.

A day's standings are those of the day before and its counts. They are written once it is over, by the nightly job;
what counts on it later is added by the drain, in the commit that counts it. Both take turns (sharing/counting.py),
so neither misses what the other writes.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min, Q, Subquery
from django.utils import timezone

from sharing import counting, many_rows
from sharing.count_models import FORGOTTEN_DAYS
from sharing.counting import Group
from sharing.models import ShareClass, ShareCount, ShareStanding, StandingDay

# In days; the longest report and the period before it.
_LONGEST_KEPT = 1500
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


def are_written(days: Collection[date]) -> bool:
    """Tell whether the standings of these closed days are all there, with one query.

    Before the first one they are there without a row, where nobody had anything by then.
    """
    kept = StandingDay.objects.order_by("day").values("day")
    lowest = ShareStanding.objects.order_by("pk").values("pk")
    found = dict(
        kept.filter(Q(day__in=list(days)) | Q(day=Subquery(kept[:1])))
        .annotate(lowest=Subquery(lowest[:1]))
        .values_list("day", "lowest")
    )
    if not found:
        return False
    first = min(found)
    none_by_then = found[first] is None or ShareStanding.day_of(found[first]) > first
    return all(none_by_then if day < first else day in found for day in days)


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
    numbers: dict[tuple[date, int], list[int]] = {}
    for group in late:
        place = _CLASSES.index(group.share_class)
        for day in days:
            if day >= group.day:
                row = numbers.setdefault((day, group.target_id), [0] * len(_CLASSES))
                row[place] += group.number
    if numbers:
        rows = [
            (ShareStanding.number(day, target_id), target_id, *row)
            for (day, target_id), row in sorted(numbers.items())
        ]
        many_rows.add(ShareStanding, ("id",), _CLASSES, rows, beside=("target_id",))


def _missing(today: date) -> Iterator[date]:
    """Return closed days without standings, in order, from the newest written or the oldest counted one on."""
    last = StandingDay.objects.aggregate(last=Max("day"))["last"]
    if last is None:
        counted = ShareCount.objects.exclude(day=FORGOTTEN_DAYS).aggregate(first=Min("day"))
        # Days that are kept for ever are older than any report.
        kept = settings.SHARE_DAYS_RETENTION_DAYS or _LONGEST_KEPT
        earliest = today - timedelta(kept)
        # The day before the first one has standings too: those of nobody, or of what is forgotten.
        last = max(counted["first"] or today, earliest) - timedelta(2)
    day = last + timedelta(1)
    while day < today:
        yield day
        day += timedelta(1)


@transaction.atomic
def _write(day: date) -> int:
    counting.take_turns()
    if StandingDay.objects.filter(day=day).exists():
        return 0
    before = StandingDay.objects.filter(day=day - timedelta(1)).exists()
    counted = f"SELECT target_id, {_SUMS} FROM sharing_sharecount WHERE day"  # noqa: S608 - names of ours
    source = (
        f"""
        SELECT target_id, {_COLUMNS} FROM sharing_sharestanding WHERE id BETWEEN %(first)s AND %(last)s
        UNION ALL
        {counted} = %(day)s GROUP BY target_id
        """  # noqa: S608
        if before
        else f"{counted} <= %(day)s GROUP BY target_id"
    )
    sums = ", ".join(f"SUM({each})" for each in _CLASSES)
    # Names of our own columns and classes alone are put into the statement.
    statement = f"""
    INSERT INTO sharing_sharestanding (id, target_id, {_COLUMNS})
    SELECT %(number)s + target_id, target_id, {sums} FROM ({source}) AS parts
    GROUP BY target_id ORDER BY target_id
    """  # noqa: S608
    first, last = ShareStanding.numbers(day - timedelta(1))
    values = {
        "day": connection.ops.adapt_datefield_value(day),
        "number": ShareStanding.number(day, 0),
        "first": first,
        "last": last,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
    StandingDay.objects.create(day=day)
    return 1
