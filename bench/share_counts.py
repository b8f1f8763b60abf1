"""A year of share counts for a site of the benchmarks, made by the database: `python -m bench.share_counts`.

Counts are arithmetic on a target's, a channel's and a day's place, so that they are the same on each database.
What is kept beside them follows from them: totals, sums of days, and the standings of every day that is over.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial

import django

if __name__ == "__main__":
    django.setup()

from django.db import connection, transaction

from bench.share_year import CHANNELS, NOW, days
from sharing.channels import BY_SLUG
from sharing.models import (
    ShareClass,
    ShareCount,
    ShareDay,
    ShareStanding,
    ShareTarget,
    ShareTotal,
    StandingDay,
    StreamPosition,
)
from sharing.stream import STREAM

_SLUGS = tuple(BY_SLUG)[:CHANNELS]
# Channels take turns: half of them lead to intents, a quarter is handed over, a quarter brings readers.
_CLASSES = (ShareClass.INTENT, ShareClass.HANDED_OVER, ShareClass.INTENT, ShareClass.ARRIVAL)
_NAMES = ", ".join(ShareClass.values)
_SUMS = ", ".join(
    f"SUM(CASE WHEN share_class = '{each}' THEN count ELSE 0 END) AS {each}"
    for each in ShareClass.values
)
# What SQLite may hold in memory while it builds, in KiB.
_CACHE = 1_000_000


def build(targets: int, every: int) -> None:
    """Fill a site that nobody uses meanwhile, as fast as its database can."""
    with _hurrying():
        fill(targets, every)


def fill(targets: int, every: int) -> None:
    """Give the first targets counts, in the place of all: through each channel one on every so many days.

    All or nothing: killed anywhere, the site has what it had, and its indexes.
    """
    ids = list(ShareTarget.objects.order_by("pk").values_list("pk", flat=True)[:targets])
    if len(ids) < targets:
        raise SystemExit(f"There are {len(ids):,} articles and sections, not {targets:,}.")
    drops, makes = _indexes()
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("nothing is left", _forget),
        ("no index is left", partial(_run_all, drops)),
        ("counts", partial(_counts, ids[-1], every)),
        ("totals and sums of days", _sums),
        ("standings", _standings),
        ("indexes", partial(_run_all, makes)),
    )
    with transaction.atomic():
        if connection.vendor == "postgresql":
            # Foreign keys are right by what is inserted, and not asked of each row.
            _run("SET LOCAL session_replication_role = replica")
        for name, work in steps:
            began = time.monotonic()
            work()
            seconds = time.monotonic() - began
            print(f"  {connection.display_name}: {name}, {seconds:.0f} s", flush=True)


def _forget() -> None:
    models = (ShareStanding, StandingDay, ShareDay, ShareTotal, ShareCount)
    tables = [model._meta.db_table for model in models]
    if connection.vendor == "postgresql":
        # Deleted rows would leave their room on the disk.
        _run(f"TRUNCATE {', '.join(tables)}")
    else:
        # Names of our own tables, here and below.
        _run_all(f"DELETE FROM {table}" for table in tables)  # noqa: S608


def _counts(last_id: int, every: int) -> None:
    """Insert the counts in the order of their days, as a site comes by them."""
    channels = ", ".join(
        f"({place}, '{slug}', '{_CLASSES[place % len(_CLASSES)]}')"
        for place, slug in enumerate(_SLUGS)
    )
    numbered = ", ".join(f"({place}, {_day(day)})" for place, day in enumerate(days()))
    # Few targets have equal sums: those are in the order of their titles, which begins with articles alone.
    number = "(1 + target.id * 7919 % 997) * (1 + (target.id * 31 + channel.place * 17 + day.place * 7) % 5)"
    _run(f"""
    WITH channel (place, slug, share_class) AS (VALUES {channels}),
      day (place, day) AS (VALUES {numbered})
    INSERT INTO sharing_sharecount (target_id, channel, share_class, day, count)
    SELECT target.id, channel.slug, channel.share_class, day.day, {number}
    FROM day CROSS JOIN sharing_sharetarget AS target CROSS JOIN channel
    WHERE target.id <= {last_id} AND (target.id * 7 + channel.place * 3 + day.place) % {every} = 0
    ORDER BY day.day, target.id, channel.slug
    """)  # noqa: S608


def _sums() -> None:
    _run(f"""
    INSERT INTO sharing_sharetotal (target_id, {_NAMES})
    SELECT target_id, {_SUMS} FROM sharing_sharecount GROUP BY target_id
    """)  # noqa: S608
    _run("""
    INSERT INTO sharing_shareday (day, channel, share_class, count)
    SELECT day, channel, share_class, SUM(count) FROM sharing_sharecount
    GROUP BY day, channel, share_class
    """)


def _standings() -> None:
    """Insert what each target had by the end of each day but today, and of the day before all."""
    if connection.vendor == "postgresql":
        _run("ANALYZE sharing_sharecount, sharing_sharetotal")
    first, *closed = [days()[0] - timedelta(1), *days()[:-1]]
    # Row by row they are the sum of all days before: each count is taken once, at its day.
    running = ", ".join(
        f"SUM(COALESCE(found.{each}, 0)) OVER (PARTITION BY known.id ORDER BY day.day) AS {each}"
        for each in ShareClass.values
    )
    numbered = ", ".join(f"({ShareStanding.number(day, 0)}, {_day(day)})" for day in closed)
    some = " + ".join(ShareClass.values)
    _run(f"""
    WITH day (number, day) AS (VALUES {numbered}),
      known AS (SELECT target_id AS id FROM sharing_sharetotal),
      found AS (
        SELECT target_id, day, {_SUMS} FROM sharing_sharecount GROUP BY target_id, day
      ),
      standing AS (
        SELECT day.number + known.id AS id, known.id AS target_id, {running}
        FROM day CROSS JOIN known
        LEFT JOIN found ON found.target_id = known.id AND found.day = day.day
      )
    INSERT INTO sharing_sharestanding (id, target_id, {_NAMES})
    SELECT id, target_id, {_NAMES} FROM standing WHERE {some} > 0 ORDER BY id
    """)  # noqa: S608
    StandingDay.objects.bulk_create([StandingDay(day=day) for day in (first, *closed)])
    StreamPosition.objects.update_or_create(
        stream=STREAM, defaults={"epoch": "bench", "last_id": "0-0", "updated_at": NOW}
    )


@contextmanager
def _hurrying() -> Iterator[None]:
    """Do without what protects a site that readers use: waits for the disk, and small memory."""
    is_postgresql = connection.vendor == "postgresql"
    if is_postgresql:
        _run_all(
            (
                "SET maintenance_work_mem = '512MB'",
                "SET work_mem = '256MB'",
            )
        )
    else:
        _run_all(
            (
                "PRAGMA foreign_keys = OFF",
                f"PRAGMA cache_size = -{_CACHE}",
                # With WAL, all that is written would stand on the disk twice.
                "PRAGMA journal_mode = TRUNCATE",
                "PRAGMA synchronous = OFF",
            )
        )
    yield
    # PostgreSQL's own housekeeping would come within minutes, in the middle of a measurement.
    _run("VACUUM ANALYZE" if is_postgresql else "PRAGMA journal_mode = WAL")


# --- Indexes -------------------------------------------------------------------------------------

# Tables whose indexes are made once their rows are there.
_LARGE = (ShareCount._meta.db_table, ShareStanding._meta.db_table)


def _indexes() -> tuple[list[str], list[str]]:
    """Return what drops the indexes of the large tables, and what makes them again."""
    return _indexes_of_postgresql() if connection.vendor == "postgresql" else _indexes_of_sqlite()


def _indexes_of_sqlite() -> tuple[list[str], list[str]]:
    # A unique constraint is part of its table, and stays.
    indexes = f"""
    SELECT name, sql FROM sqlite_master
    WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {_LARGE}
    """  # noqa: S608
    rows = _ask(indexes)
    return [f'DROP INDEX "{name}"' for name, _ in rows], [sql for _, sql in rows]


def _indexes_of_postgresql() -> tuple[list[str], list[str]]:
    drops, makes = [], []
    constraints = f"""
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'u' AND conrelid::regclass::text IN {_LARGE}
    """  # noqa: S608
    for table, name, definition in _ask(constraints):
        drops.append(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        makes.append(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    indexes = f"""
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE NOT indisunique AND indrelid::regclass::text IN {_LARGE}
    """  # noqa: S608
    for name, definition in _ask(indexes):
        drops.append(f"DROP INDEX {name}")
        makes.append(definition)
    return drops, makes


def _day(day: date) -> str:
    return f"DATE '{day}'" if connection.vendor == "postgresql" else f"'{day}'"


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _run_all(statements: Iterable[str]) -> None:
    for statement in statements:
        _run(statement)


def _ask(statement: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


if __name__ == "__main__":
    logging.disable(logging.INFO)
    build(int(sys.argv[1]), int(sys.argv[2]))
