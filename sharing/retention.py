"""Forget what is old: days one by one become part of a sum, standings and refusals of old days go.

Every chunk is a transaction of its own that takes away exactly what it adds: killed in between, or run
twice at once, nothing is lost or added twice. The nightly job is late when it does not run, never wrong.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from sharing import bursts
from sharing.count_models import FORGOTTEN_DAYS
from sharing.models import (
    ShareCount,
    ShareDay,
    ShareStanding,
    StandingDay,
    UncountedShare,
)

# So many rows are moved in one transaction: a drain that meets it waits for less than a second.
ROWS_A_CHUNK = 2000
# Between two of them whoever waits to write gets a turn: SQLite's writers do not queue; in seconds.
BREATH = 0.05
# What refusals of forgotten days are added up under; no counter of a server is called so.
FORGOTTEN_SOURCE = "forgotten"


@dataclass(frozen=True)
class Forgotten:
    """How many rows were taken away, by what they were."""

    counts: int = 0
    standings: int = 0
    refusals: int = 0
    hours: int = 0


def forget_days() -> Forgotten:
    """Add days up that are older than they are kept, under `FORGOTTEN_DAYS`; totals stay what they are.

    What the burst guard learns from no more goes as well, however long days are kept.
    """
    kept: int = settings.SHARE_DAYS_RETENTION_DAYS
    hours = bursts.prune_hours()
    if not kept:
        return Forgotten(hours=hours)
    first_kept = timezone.now().astimezone(UTC).date() - timedelta(days=kept)
    return Forgotten(
        counts=_forget_counts(first_kept),
        standings=_forget_standings(first_kept),
        refusals=_forget_refusals(first_kept),
        hours=hours,
    )


def _forget_counts(first_kept: date) -> int:
    forgotten = 0
    while moved := _forget_a_chunk(first_kept):
        forgotten += moved
        time.sleep(BREATH)
    return forgotten


@transaction.atomic
def _forget_a_chunk(first_kept: date) -> int:
    rows = _take(ShareCount, ("day", "target_id", "channel", "share_class", "count"), first_kept)
    by_target: Counter[tuple[Any, ...]] = Counter()
    by_channel: Counter[tuple[Any, ...]] = Counter()
    by_day: Counter[tuple[Any, ...]] = Counter()
    for day, target_id, channel, share_class, count in rows:
        by_target[target_id, channel, share_class, FORGOTTEN_DAYS] += count
        by_channel[FORGOTTEN_DAYS, channel, share_class] += count
        by_day[day, channel, share_class] += count
    _add(ShareCount, ("target_id", "channel", "share_class", "day"), by_target)
    _add(ShareDay, ("day", "channel", "share_class"), by_channel)
    _subtract_from_days(by_day)
    return len(rows)


def _forget_standings(first_kept: date) -> int:
    """Remove standings of days before the one that a report of the first kept day subtracts."""
    forgotten = 0
    oldest = StandingDay.objects.filter(day__lt=first_kept - timedelta(days=1)).order_by("day")
    while (standing := oldest.first()) is not None:
        with transaction.atomic():
            deleted, _ = ShareStanding.objects.of_day(standing.day).delete()
            standing.delete()
        forgotten += deleted
        time.sleep(BREATH)
    return forgotten


def _forget_refusals(first_kept: date) -> int:
    """Add refusals up by reason: what monitoring reads as a counter must not fall."""
    forgotten = 0
    while True:
        with transaction.atomic():
            rows = _take(UncountedShare, ("reason", "count"), first_kept)
            sums: Counter[tuple[Any, ...]] = Counter()
            for reason, count in rows:
                sums[FORGOTTEN_DAYS, reason, FORGOTTEN_SOURCE] += count
            _add(UncountedShare, ("day", "reason", "source"), sums)
        if not rows:
            return forgotten
        forgotten += len(rows)


def _take(
    model: type[models.Model], columns: tuple[str, ...], first_kept: date
) -> list[tuple[Any, ...]]:
    """Delete a chunk of old rows, the oldest first, and return what was in them.

    Whoever takes the same rows at once waits and then finds them gone; a number added meanwhile is in what
    is returned.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    lock = "FOR UPDATE" if connection.features.has_select_for_update else ""
    # Only names of our own tables and columns are put into the statement.
    statement = f"""
        DELETE FROM {table} WHERE id IN (
          SELECT id FROM {table} WHERE day > %s AND day < %s ORDER BY day, id LIMIT %s {lock}
        ) RETURNING {", ".join(columns)}
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [FORGOTTEN_DAYS, first_kept, ROWS_A_CHUNK])
        return list(cursor.fetchall())


def _add(
    model: type[models.Model], key: tuple[str, ...], added: Mapping[tuple[Any, ...], int]
) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    places = ", ".join(["%s"] * (len(key) + 1))
    statement = f"""
        INSERT INTO {table} ({", ".join(key)}, count) VALUES ({places})
        ON CONFLICT ({", ".join(key)}) DO UPDATE SET count = {table}.count + excluded.count
    """  # noqa: S608
    with connection.cursor() as cursor:
        # Sorted, so that two transactions take their rows in one order and cannot deadlock.
        cursor.executemany(statement, [(*each, number) for each, number in sorted(added.items())])


def _subtract_from_days(taken: Mapping[tuple[Any, ...], int]) -> None:
    """Take a chunk out of its days' sums; a sum that was too small is no reason to stop, recounting tells."""
    table = connection.ops.quote_name(ShareDay._meta.db_table)
    where = "day = %s AND channel = %s AND share_class = %s"
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET count = CASE WHEN count > %s THEN count - %s ELSE 0 END WHERE {where}",  # noqa: S608
            [(number, number, *each) for each, number in sorted(taken.items())],
        )
        cursor.executemany(
            f"DELETE FROM {table} WHERE {where} AND count = 0",  # noqa: S608
            sorted(taken),
        )
