"""The totals of targets."""

from collections.abc import Iterator

from sharing.models import ShareCount, ShareTotal
from sharing.recounting.statements import CLASSES, ask, of_class, pairs, table
from sharing.recounting.steps import Row, Step, Sums, steps_through_targets

TARGETS_A_STEP = 200


def steps(*, repair: bool) -> Iterator[Step]:
    """Compare all totals, some targets a step."""
    return steps_through_targets(
        Sums.TOTALS, TARGETS_A_STEP, different, write, _whose, repair=repair
    )


def _whose(row: Row) -> str:
    return f"target {row.key[0]}"


def different(first: int, last: int) -> list[Row]:
    """Return the totals that differ among targets, by their first and last id."""
    kept = ", ".join(f"{name} AS kept_{name}, 0 AS computed_{name}" for name in CLASSES)
    computed = ", ".join(f"0, {of_class(name)}" for name in CLASSES)
    sums = ", ".join(f"SUM(kept_{name}), SUM(computed_{name})" for name in CLASSES)
    differ = " OR ".join(f"SUM(kept_{name}) <> SUM(computed_{name})" for name in CLASSES)
    rows = ask(
        f"""
        SELECT target_id, {sums} FROM (
          SELECT target_id, {kept} FROM {table(ShareTotal)} WHERE target_id BETWEEN %s AND %s
          UNION ALL
          SELECT target_id, {computed} FROM {table(ShareCount)} WHERE target_id BETWEEN %s AND %s
        ) AS both_of_them GROUP BY target_id HAVING {differ} ORDER BY target_id
        """,  # noqa: S608
        [first, last, first, last],
    )
    return [Row((row[0],), pairs(row[1:])) for row in rows]


def write(rows: list[Row]) -> None:
    """Keep what was computed instead."""
    ShareTotal.objects.bulk_create(
        [ShareTotal(target_id=row.key[0], **row.by_class) for row in rows],
        update_conflicts=True,
        unique_fields=["target"],
        update_fields=CLASSES,
    )
