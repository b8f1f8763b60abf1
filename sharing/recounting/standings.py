"""The standings of targets at the end of days that are over."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from sharing.models import ShareCount, ShareStanding, StandingDay
from sharing.recounting.statements import CLASSES, as_date, ask, of_class, table
from sharing.recounting.steps import Row, Step, Sums, steps_through_targets

# Each has a row for each day that is over.
TARGETS_A_STEP = 50


def steps(*, repair: bool) -> Iterator[Step]:
    """Compare all standings, some targets a step."""
    if StandingDay.objects.exists() or ShareStanding.objects.exists():
        yield from steps_through_targets(
            Sums.STANDINGS, TARGETS_A_STEP, different, write, _whose, repair=repair
        )
    else:
        yield Step(Sums.STANDINGS, 0, 0)


def _whose(row: Row) -> str:
    return f"target {row.key[0]} up to {row.key[1]}"


def different(first: int, last: int) -> list[Row]:
    """Return the standings that differ among targets; one of a day that is not written should not be there."""
    named = ", ".join(f"0 AS {name}" for name in CLASSES)
    computed = ", ".join(of_class(name) for name in CLASSES)
    standing = table(ShareStanding)
    # A target's standings are found by their numbers. Of which days there are any, written or not, some steps in
    # the order of numbers tell: as many as there are days.
    rows = ask(
        f"""
        WITH RECURSIVE kept (day) AS (
          SELECT MIN(id) >> 32 FROM {standing}
          UNION ALL
          SELECT (SELECT MIN(id) >> 32 FROM {standing} WHERE id >= (kept.day + 1) << 32)
          FROM kept WHERE kept.day IS NOT NULL
        )
        SELECT target_id, day, number, kind, {", ".join(f"SUM({name})" for name in CLASSES)} FROM (
          SELECT 0 AS target_id, day, 0 AS number, 0 AS kind, {named} FROM {table(StandingDay)}
          UNION ALL
          SELECT target_id, day, 0, 1, {computed} FROM {table(ShareCount)}
          WHERE target_id BETWEEN %s AND %s
          UNION ALL
          SELECT target_id, NULL, id, 2, {", ".join(CLASSES)}
          FROM kept JOIN {standing} ON id BETWEEN (kept.day << 32) + %s AND (kept.day << 32) + %s
        ) AS all_of_them GROUP BY target_id, day, number, kind
        """,  # noqa: S608
        [first, last, first, last],
    )
    written: list[date] = []
    counted: dict[int, dict[date, tuple[int, ...]]] = defaultdict(dict)
    kept: dict[int, dict[date, tuple[int, ...]]] = defaultdict(dict)
    for target_id, raw_day, number, kind, *numbers in rows:
        day = ShareStanding.day_of(number) if kind == 2 else as_date(raw_day)
        if kind == 0:
            written.append(day)
        else:
            (counted if kind == 1 else kept)[target_id][day] = tuple(map(int, numbers))
    written.sort()
    found: list[Row] = []
    for target_id in sorted(counted.keys() | kept.keys()):
        found += _compared(target_id, written, counted[target_id], kept[target_id])
    return found


def _compared(
    target_id: int,
    written: list[date],
    counted: dict[date, tuple[int, ...]],
    kept: dict[date, tuple[int, ...]],
) -> Iterator[Row]:
    zero = (0,) * len(CLASSES)
    total = zero
    days = iter(sorted(counted))
    upcoming = next(days, None)
    for day in written:
        while upcoming is not None and upcoming <= day:
            total = tuple(map(sum, zip(total, counted[upcoming], strict=True)))
            upcoming = next(days, None)
        standing = kept.get(day, zero)
        if standing != total:
            yield Row((target_id, day), tuple(zip(standing, total, strict=True)))
    for day in sorted(kept.keys() - set(written)):
        if kept[day] != zero:
            yield Row((target_id, day), tuple(zip(kept[day], zero, strict=True)))


def write(rows: list[Row]) -> None:
    """Keep what was computed instead; a standing of nothing is no row."""
    ShareStanding.objects.bulk_create(
        [
            ShareStanding(pk=_number(row), target_id=row.key[0], **row.by_class)
            for row in rows
            if any(row.computed)
        ],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=CLASSES,
        batch_size=1000,
    )
    for row in rows:
        if not any(row.computed):
            ShareStanding.objects.filter(pk=_number(row)).delete()


def _number(row: Row) -> int:
    target_id, day = row.key
    return ShareStanding.number(day, target_id)
