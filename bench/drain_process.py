"""One database of `drain`, measured inside a process of its own: bench.drain starts it.

It reads commands and answers them, a line of JSON each: `{"do": "round", "number": 50000}` is answered by what
`Drained.round` returns.
"""

import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import django

if __name__ == "__main__":
    django.setup()

import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from sharing import actions, stream
from sharing.models import (
    ShareClass,
    ShareCount,
    ShareDay,
    ShareEvent,
    ShareTarget,
    ShareTotal,
)

TARGETS = 1000
CHANNELS = (
    "bluesky", "mastodon", "facebook", "x", "linkedin", "whatsapp", "telegram", "reddit", "email", "threads",
    "copy", "share-sheet",
)  # fmt: skip
CLASSES = ((ShareClass.INTENT, 80), (ShareClass.ARRIVAL, 15), (ShareClass.HANDED_OVER, 5))
# So much of the events is there twice: their answer was lost.
TWICE = 0.03
# A backlog of one hour, to the microsecond.
SPAN = timedelta(hours=1)
_SENT_TOGETHER = 2000
_COLUMNS = ("event_id", "target_id", "channel", "share_class", "occurred_at", "recorded_at")

Row = tuple[UUID, int, str, str, datetime]


class Events:
    """Accepted events as they come: few targets and channels have most of them (Zipf), most are intents."""

    def __init__(self, targets: Sequence[int]) -> None:
        self._random = random.Random(20261126)  # noqa: S311 - the same events on each database
        self._targets = targets
        self._classes = [each for each, _ in CLASSES]
        self._parts = [part for _, part in CLASSES]

    def take(self, number: int) -> list[Row]:
        """Return so many events of the last hour, each another one."""
        began, step = datetime.now(UTC) - SPAN, SPAN / number
        drawn = zip(
            self._random.choices(self._targets, _zipf(len(self._targets)), k=number),
            self._random.choices(CHANNELS, _zipf(len(CHANNELS)), k=number),
            self._random.choices(self._classes, self._parts, k=number),
            strict=True,
        )
        bits = self._random.getrandbits
        return [
            (UUID(int=bits(128), version=4), target, channel, each.value, began + at * step)
            for at, (target, channel, each) in enumerate(drawn)
        ]

    def entries(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Return them as they come into the stream: some a second time, at once or a little later."""
        again: list[Row] = []
        for row in rows:
            yield row
            if again and self._random.random() < TWICE:
                yield again.pop()
            if self._random.random() < TWICE:
                if self._random.random() < 0.5:
                    yield row
                else:
                    again.append(row)
        yield from again


def _zipf(number: int) -> list[float]:
    return [1 / rank for rank in range(1, number + 1)]


class Drained:
    """A database, the stream, and what is done with both."""

    def __init__(self) -> None:
        self._server = redis.Redis.from_url(settings.REDIS_URL)
        self._targets: list[int] = []
        self._events = Events([])

    def prepare(self) -> int:
        """Make the tables and the targets; count once, so that the day's counts are there."""
        call_command("migrate", verbosity=0)
        ShareTarget.objects.bulk_create(
            [ShareTarget(page_id=number, label=f"Article {number}") for number in range(TARGETS)]
        )
        self._targets = list(ShareTarget.objects.order_by("pk").values_list("pk", flat=True))
        self._events = Events(self._targets)
        self._fill(self._events.take(100_000))
        self.drain()
        return len(self._targets)

    def targets(self) -> int:
        """Find the targets that another process has made."""
        self._targets = list(ShareTarget.objects.order_by("pk").values_list("pk", flat=True))
        self._events = Events(self._targets)
        return len(self._targets)

    def round(self, number: int, *, plain_first: bool) -> dict[str, Any]:
        """Let both take the same events, each into an empty table; return their seconds, and what is wrong."""
        rows = self._events.take(number)
        figures: dict[str, Any] = {}
        for is_plain in (plain_first, not plain_first):
            self.empty()
            if is_plain:
                figures["plain"] = _insert_plainly(rows)
            else:
                figures["entries"] = self._fill(rows)
                before = _counts()
                figures["drain"] = self.drain()
                gained = _counts()
                gained.subtract(before)
                sent = Counter((target, channel, each) for _, target, channel, each, _ in rows)
                figures["lost"] = (sent - +gained).total()
                figures["doubled"] = (+gained - sent).total()
                figures["left"] = int(self._server.xlen(stream.STREAM))
        return figures

    def backlog(self, number: int) -> dict[str, Any]:
        """Empty the table of events and fill the stream; return the seconds, and the sum of all counts."""
        self.empty()
        began = time.perf_counter()
        entries, left = 0, number
        while left:
            rows = self._events.take(min(left, 50_000))
            entries += self._fill(rows)
            left -= len(rows)
        return {
            "seconds": time.perf_counter() - began,
            "entries": entries,
            "counted": _counts().total(),
        }

    def counted(self) -> dict[str, int]:
        """Return the sum of all counts, of all totals and of all days, and how many entries are left."""
        return {
            "counted": _counts().total(),
            "totals": sum(map(sum, ShareTotal.objects.values_list(*ShareClass.values))),
            "days": sum(ShareDay.objects.values_list("count", flat=True)),
            "left": int(self._server.xlen(stream.STREAM)),
        }

    def drain(self) -> float:
        """Sweep until nothing is left, as a worker does; return the seconds."""
        began = time.perf_counter()
        while actions.drain():
            pass
        return time.perf_counter() - began

    def peak(self) -> int:
        """Return the most memory that this process had, in bytes."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def empty(self) -> None:
        """Forget the events, not their counts, and let the database write what it has in mind."""
        table = ShareEvent._meta.db_table
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"TRUNCATE {table}")
                cursor.execute("VACUUM ANALYZE sharing_sharecount")
                cursor.execute("CHECKPOINT")
            else:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - our own table
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.fetchall()

    def _fill(self, rows: Sequence[Row]) -> int:
        """Put events into the stream, and return how many entries they made."""
        entries = 0
        pipeline = self._server.pipeline(transaction=False)
        for event_id, target, channel, share_class, at in self._events.entries(rows):
            event = stream.Event(event_id, target, channel, ShareClass(share_class), at)
            pipeline.execute_command(  # type: ignore[no-untyped-call]  # redis-py's own
                "XADD", stream.STREAM, "*", *stream.fields(event)
            )
            entries += 1
            if not entries % _SENT_TOGETHER:
                pipeline.execute()
        pipeline.execute()
        return entries


def _counts() -> Counter[tuple[int, str, str]]:
    counted: Counter[tuple[int, str, str]] = Counter()
    rows = ShareCount.objects.values_list("target_id", "channel", "share_class", "count")
    for target, channel, share_class, count in rows.iterator():
        counted[target, channel, share_class] += count
    return counted


def _insert_plainly(rows: Sequence[Row]) -> float:
    """Do what a program would that knows its rows are new, a commit a batch; return the seconds.

    They are in its memory already, as the driver takes them.
    """
    recorded = datetime.now(UTC)
    table, size = ShareEvent._meta.db_table, settings.SHARE_EVENT_BATCH
    if connection.vendor == "postgresql":
        ready: list[tuple[Any, ...]] = [(*row, recorded) for row in rows]
    else:
        ready = [
            (event_id.hex, *others, _text(at), _text(recorded)) for event_id, *others, at in rows
        ]
    parts = [ready[start : start + size] for start in range(0, len(ready), size)]
    began = time.perf_counter()
    for part in parts:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
                    for row in part:
                        copy.write_row(row)
            else:
                cursor.executemany(
                    f"INSERT INTO {table} ({', '.join(_COLUMNS)})"  # noqa: S608 - our own table
                    " VALUES (%s, %s, %s, %s, %s, %s)",
                    part,
                )
    return time.perf_counter() - began


def _text(moment: datetime) -> str:
    return str(moment.replace(tzinfo=None))


def main() -> None:
    """Do what each line says."""
    drained = Drained()
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(getattr(drained, command.pop("do"))(**command)), flush=True)


if __name__ == "__main__":
    main()
