"""The sums of days, over all targets."""

from collections.abc import Iterator
from datetime import date
from functools import partial

from django.db.models import Max, Min

from sharing.count_models import FORGOTTEN_DAYS
from sharing.models import ShareCount, ShareDay
from sharing.recounting.statements import ask, pairs, table
from sharing.recounting.steps import Difference, Row, Step, Sums, settled


def steps(*, repair: bool) -> Iterator[Step]:
    """Compare the sums of all days, one day a step."""
    bounds = [model.objects.aggregate(Max("day"))["day__max"] for model in (ShareCount, ShareDay)]
    newest = max((day for day in bounds if day), default=None)
    day = oldest = _next_day(None)
    if day is None or newest is None:
        yield Step(Sums.DAYS, 0, 0)
        return
    while day is not None:
        rows = settled(partial(different, day), write, repair=repair)
        differences = tuple(Difference(Sums.DAYS, _whose(row), *row.numbers[0]) for row in rows)
        if oldest in {None, FORGOTTEN_DAYS} and day != FORGOTTEN_DAYS:
            oldest = day
        done = 0 if day == FORGOTTEN_DAYS or oldest is None else (day - oldest).days + 1
        of = max(done, 1 if oldest is None else (newest - oldest).days + 1)
        following = _next_day(day)
        yield Step(Sums.DAYS, of if following is None else min(done, of), of, differences)
        day = following


def _whose(row: Row) -> str:
    day, channel, share_class = row.key
    return f"{'forgotten days' if day == FORGOTTEN_DAYS else day}, {channel}, {share_class}"


def _next_day(after: date | None) -> date | None:
    """Return the first day after one that has counts or a sum; an index tells, however many rows there are."""
    found = []
    for model in (ShareCount, ShareDay):
        rows = model.objects.all() if after is None else model.objects.filter(day__gt=after)
        if day := rows.aggregate(Min("day"))["day__min"]:
            found.append(day)
    return min(found, default=None)


def different(day: date) -> list[Row]:
    """Return the sums of one day that differ."""
    rows = ask(
        f"""
        SELECT channel, share_class, SUM(kept), SUM(computed) FROM (
          SELECT channel, share_class, count AS kept, 0 AS computed
          FROM {table(ShareDay)} WHERE day = %s
          UNION ALL
          SELECT channel, share_class, 0, count FROM {table(ShareCount)} WHERE day = %s
        ) AS both_of_them GROUP BY channel, share_class HAVING SUM(kept) <> SUM(computed)
        ORDER BY channel, share_class
        """,  # noqa: S608
        [day, day],
    )
    return [Row((day, row[0], row[1]), pairs(row[2:])) for row in rows]


def write(rows: list[Row]) -> None:
    """Keep what was computed instead; a sum of nothing is no row."""
    for row in rows:
        day, channel, share_class = row.key
        (count,) = row.computed
        sums = ShareDay.objects.filter(day=day, channel=channel, share_class=share_class)
        if not count:
            sums.delete()
        elif not sums.update(count=count):
            ShareDay.objects.create(day=day, channel=channel, share_class=share_class, count=count)
