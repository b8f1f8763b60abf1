"""Compute every sum from the counts of days again, and say what differs: nothing must.

Each step looks at some targets, or at one day, with one statement. A statement sees one moment of the
database, and a drain writes counts and sums in one commit, so that a step is consistent while drains go on
and holds nobody up. Where it repairs, it looks again with the counts held: then no one writes in between.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Max, Min
from django.utils import timezone

from sharing import pipeline, valkey
from sharing.count_models import FORGOTTEN_DAYS
from sharing.models import (
    ShareClass,
    ShareCount,
    ShareDay,
    ShareStanding,
    ShareTarget,
    ShareTotal,
    StandingDay,
)

logger = logging.getLogger(__name__)

TARGETS_A_STEP = 200
# Each has a row for each day that is over.
STANDINGS_A_STEP = 50
# A log is no place for a million lines.
_LOGGED = 20

_CLASSES: Sequence[str] = ShareClass.values


class Sums(StrEnum):
    """What is recomputed."""

    TOTALS = "totals"
    DAYS = "days"
    STANDINGS = "standings"


@dataclass(frozen=True)
class Difference:
    """One number that is not what the counts add up to; `key` says whose it is."""

    what: Sums
    key: str
    kept: int
    computed: int

    def __str__(self) -> str:
        return f"{self.what}: {self.key}: {self.kept} is kept, {self.computed} was computed"


@dataclass(frozen=True)
class Step:
    """What one step found; `done` of `of` targets or days are looked at."""

    what: Sums
    done: int
    of: int
    differences: tuple[Difference, ...] = ()


# A number kept and the same computed, for each class or for one.
_Pair = tuple[int, int]


@dataclass(frozen=True)
class _Row:
    """A row that differs: the values of its key, and its numbers as they are and as they should be."""

    key: tuple[Any, ...]
    numbers: tuple[_Pair, ...]

    @property
    def computed(self) -> tuple[int, ...]:
        return tuple(computed for _, computed in self.numbers)


def recount(*, repair: bool = False) -> Generator[Step, None, None]:
    """Compare all sums with the counts, a step at a time; with `repair`, write what was computed.

    The steps of each kind end with one in which all is done. What is repaired is committed with its step.
    """
    yield from _totals(repair)
    yield from _days(repair)
    yield from _standings(repair)


def verify() -> int:
    """Compare all sums with the counts, log what differs and note the result; return how many differ."""
    began = timezone.now()
    found = 0
    for step in recount():
        for difference in step.differences[: max(0, _LOGGED - found)]:
            logger.error("share counts differ: %s", difference)
        found += len(step.differences)
    if found:
        logger.error(
            "%d sums of share counts differ from the counts; `manage.py recount` lists them, "
            "`manage.py recount --repair` writes them anew",
            found,
        )
    note(pipeline.Verified(began, found))
    return found


def note(verified: pipeline.Verified) -> None:
    """Tell probes and metrics what a comparison came to, unless the server is silent."""
    try:
        pipeline.note_verified(valkey.events_for_jobs(), verified)
    except valkey.Silent as silence:
        logger.warning("what recounting came to is not noted: %s", silence)


def hold_counts() -> None:
    """Let no one else write counts before this transaction ends; reports go on reading.

    SQLite holds every writer since the transaction began. On PostgreSQL a table is locked and not the
    position's row: the inbox, an editor's decision and the nightly job write counts too, without it.
    """
    if connection.vendor == "postgresql":
        table = connection.ops.quote_name(ShareCount._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


# --- Steps ---------------------------------------------------------------------------------------


def _step(
    find: Callable[[], list[_Row]], write: Callable[[list[_Row]], None], *, repair: bool
) -> list[_Row]:
    found = find()
    if found and repair:
        with transaction.atomic():
            hold_counts()
            found = find()
            write(found)
    return found


def _spans(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield the first and last id of so many targets at a time, and how many there were so far."""
    last, done = 0, 0
    while True:
        ids = ShareTarget.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
        span = list(ids[:size])
        if not span:
            return
        last = span[-1]
        done += len(span)
        yield span[0], last, done


def _totals(repair: bool) -> Iterator[Step]:
    of = ShareTarget.objects.count()
    done = 0
    for first, last, done in _spans(TARGETS_A_STEP):
        rows = _step(
            lambda span=(first, last): _different_totals(*span),  # type: ignore[misc]
            _write_totals,
            repair=repair,
        )
        differences = tuple(
            Difference(Sums.TOTALS, f"target {row.key[0]}, {name}", kept, computed)
            for row in rows
            for name, (kept, computed) in zip(_CLASSES, row.numbers, strict=True)
            if kept != computed
        )
        yield Step(Sums.TOTALS, done, max(of, done), differences)
    if not done:
        yield Step(Sums.TOTALS, 0, 0)


def _days(repair: bool) -> Iterator[Step]:
    bounds = [model.objects.aggregate(Max("day"))["day__max"] for model in (ShareCount, ShareDay)]
    newest = max((day for day in bounds if day), default=None)
    day = oldest = _next_day(None)
    if day is None or newest is None:
        yield Step(Sums.DAYS, 0, 0)
        return
    of = 1
    while day is not None:
        rows = _step(
            lambda day=day: _different_days(day),  # type: ignore[misc]
            _write_days,
            repair=repair,
        )
        differences = tuple(
            Difference(Sums.DAYS, _words(day, f"{channel}, {share_class}"), *row.numbers[0])
            for row in rows
            for _, channel, share_class in [row.key]
        )
        if oldest in {None, FORGOTTEN_DAYS} and day != FORGOTTEN_DAYS:
            oldest = day
        done = 0 if day == FORGOTTEN_DAYS or oldest is None else (day - oldest).days + 1
        of = max(done, 1 if oldest is None else (newest - oldest).days + 1)
        following = _next_day(day)
        yield Step(Sums.DAYS, of if following is None else min(done, of), of, differences)
        day = following


def _standings(repair: bool) -> Iterator[Step]:
    of = ShareTarget.objects.count()
    done = 0
    if StandingDay.objects.exists() or ShareStanding.objects.exists():
        for first, last, done in _spans(STANDINGS_A_STEP):
            rows = _step(
                lambda span=(first, last): _different_standings(*span),  # type: ignore[misc]
                _write_standings,
                repair=repair,
            )
            differences = tuple(
                Difference(
                    Sums.STANDINGS,
                    f"target {row.key[0]} up to {row.key[1]}, {name}",
                    kept,
                    computed,
                )
                for row in rows
                for name, (kept, computed) in zip(_CLASSES, row.numbers, strict=True)
                if kept != computed
            )
            yield Step(Sums.STANDINGS, done, max(of, done), differences)
    if not done:
        yield Step(Sums.STANDINGS, 0, 0)


def _words(day: date, rest: str) -> str:
    return f"{'forgotten days' if day == FORGOTTEN_DAYS else day}, {rest}"


def _next_day(after: date | None) -> date | None:
    """Return the first day after one that has counts or a sum; an index tells, however many rows there are."""
    found = []
    for model in (ShareCount, ShareDay):
        rows = model.objects.all() if after is None else model.objects.filter(day__gt=after)
        if day := rows.aggregate(Min("day"))["day__min"]:
            found.append(day)
    return min(found, default=None)


# --- What differs --------------------------------------------------------------------------------


def _different_totals(first: int, last: int) -> list[_Row]:
    kept = ", ".join(f"{name} AS kept_{name}, 0 AS computed_{name}" for name in _CLASSES)
    computed = ", ".join(f"0, {_of_class(name)}" for name in _CLASSES)
    sums = ", ".join(f"SUM(kept_{name}), SUM(computed_{name})" for name in _CLASSES)
    differ = " OR ".join(f"SUM(kept_{name}) <> SUM(computed_{name})" for name in _CLASSES)
    # Only names of our own tables, columns and classes are put into the statements below.
    rows = _ask(
        f"""
        SELECT target_id, {sums} FROM (
          SELECT target_id, {kept} FROM {_table(ShareTotal)} WHERE target_id BETWEEN %s AND %s
          UNION ALL
          SELECT target_id, {computed} FROM {_table(ShareCount)} WHERE target_id BETWEEN %s AND %s
        ) AS both_of_them GROUP BY target_id HAVING {differ} ORDER BY target_id
        """,  # noqa: S608
        [first, last, first, last],
    )
    return [_Row((row[0],), _pairs(row[1:])) for row in rows]


def _different_days(day: date) -> list[_Row]:
    rows = _ask(
        f"""
        SELECT channel, share_class, SUM(kept), SUM(computed) FROM (
          SELECT channel, share_class, count AS kept, 0 AS computed
          FROM {_table(ShareDay)} WHERE day = %s
          UNION ALL
          SELECT channel, share_class, 0, count FROM {_table(ShareCount)} WHERE day = %s
        ) AS both_of_them GROUP BY channel, share_class HAVING SUM(kept) <> SUM(computed)
        ORDER BY channel, share_class
        """,  # noqa: S608
        [day, day],
    )
    return [_Row((day, row[0], row[1]), _pairs(row[2:])) for row in rows]


def _different_standings(first: int, last: int) -> list[_Row]:
    """Return the standings that differ; one of a day that is not written should not be there."""
    named = ", ".join(f"0 AS {name}" for name in _CLASSES)
    computed = ", ".join(_of_class(name) for name in _CLASSES)
    standing = _table(ShareStanding)
    # A target's standings are found by their numbers. Of which days there are any, written or not, some steps in
    # the order of numbers tell: as many as there are days.
    rows = _ask(
        f"""
        WITH RECURSIVE kept (day) AS (
          SELECT MIN(id) >> 32 FROM {standing}
          UNION ALL
          SELECT (SELECT MIN(id) >> 32 FROM {standing} WHERE id >= (kept.day + 1) << 32)
          FROM kept WHERE kept.day IS NOT NULL
        )
        SELECT target_id, day, number, kind, {", ".join(f"SUM({name})" for name in _CLASSES)} FROM (
          SELECT 0 AS target_id, day, 0 AS number, 0 AS kind, {named} FROM {_table(StandingDay)}
          UNION ALL
          SELECT target_id, day, 0, 1, {computed} FROM {_table(ShareCount)}
          WHERE target_id BETWEEN %s AND %s
          UNION ALL
          SELECT target_id, NULL, id, 2, {", ".join(_CLASSES)}
          FROM kept JOIN {standing} ON id BETWEEN (kept.day << 32) + %s AND (kept.day << 32) + %s
        ) AS all_of_them GROUP BY target_id, day, number, kind
        """,  # noqa: S608
        [first, last, first, last],
    )
    written: list[date] = []
    counted: dict[int, dict[date, tuple[int, ...]]] = defaultdict(dict)
    kept: dict[int, dict[date, tuple[int, ...]]] = defaultdict(dict)
    for target_id, raw_day, number, kind, *numbers in rows:
        day = ShareStanding.day_of(number) if kind == 2 else _date(raw_day)
        if kind == 0:
            written.append(day)
        else:
            (counted if kind == 1 else kept)[target_id][day] = tuple(map(int, numbers))
    written.sort()
    found: list[_Row] = []
    for target_id in sorted(counted.keys() | kept.keys()):
        found += _compared(target_id, written, counted[target_id], kept[target_id])
    return found


def _compared(
    target_id: int,
    written: list[date],
    counted: dict[date, tuple[int, ...]],
    kept: dict[date, tuple[int, ...]],
) -> Iterator[_Row]:
    zero = (0,) * len(_CLASSES)
    total = zero
    days = iter(sorted(counted))
    upcoming = next(days, None)
    for day in written:
        while upcoming is not None and upcoming <= day:
            total = tuple(map(sum, zip(total, counted[upcoming], strict=True)))
            upcoming = next(days, None)
        standing = kept.get(day, zero)
        if standing != total:
            yield _Row((target_id, day), tuple(zip(standing, total, strict=True)))
    for day in sorted(kept.keys() - set(written)):
        if kept[day] != zero:
            yield _Row((target_id, day), tuple(zip(kept[day], zero, strict=True)))


def _of_class(name: str) -> str:
    return f"CASE WHEN share_class = '{name}' THEN count ELSE 0 END"


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _ask(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _pairs(numbers: Sequence[Any]) -> tuple[_Pair, ...]:
    """Return numbers in twos; PostgreSQL adds big integers up as decimals."""
    return tuple(
        (int(kept), int(computed))
        for kept, computed in zip(numbers[::2], numbers[1::2], strict=True)
    )


def _date(value: date | str) -> date:
    """Return a day as PostgreSQL tells it, or SQLite, which has no dates."""
    return value if isinstance(value, date) else date.fromisoformat(value)


# --- Repairing -----------------------------------------------------------------------------------


def _write_totals(rows: list[_Row]) -> None:
    ShareTotal.objects.bulk_create(
        [
            ShareTotal(target_id=row.key[0], **dict(zip(_CLASSES, row.computed, strict=True)))
            for row in rows
        ],
        update_conflicts=True,
        unique_fields=["target"],
        update_fields=_CLASSES,
    )


def _write_days(rows: list[_Row]) -> None:
    for row in rows:
        day, channel, share_class = row.key
        sums = ShareDay.objects.filter(day=day, channel=channel, share_class=share_class)
        if not row.computed[0]:
            sums.delete()
        elif not sums.update(count=row.computed[0]):
            ShareDay.objects.create(
                day=day, channel=channel, share_class=share_class, count=row.computed[0]
            )


def _write_standings(rows: list[_Row]) -> None:
    ShareStanding.objects.bulk_create(
        [
            ShareStanding(
                pk=_number(row),
                target_id=row.key[0],
                **dict(zip(_CLASSES, row.computed, strict=True)),
            )
            for row in rows
            if any(row.computed)
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=_CLASSES,
        batch_size=1000,
    )
    for row in rows:
        if not any(row.computed):
            ShareStanding.objects.filter(pk=_number(row)).delete()


def _number(row: _Row) -> int:
    target_id, day = row.key
    return ShareStanding.number(day, target_id)
