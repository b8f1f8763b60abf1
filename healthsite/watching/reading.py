"""Take all numbers of the share pipeline at one moment."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error
from django.utils import timezone

from sharing import pipeline
from sharing.valkey import Silent, Valkey

T = TypeVar("T")

# A person waits for a busy server longer than a reader would, in seconds.
PATIENCE = 1.0


@dataclass(frozen=True)
class Servers:
    """The two servers, asked for a second and anew each time."""

    events: Valkey = field(
        default_factory=lambda: Valkey(settings.REDIS_URL, timeout=PATIENCE, break_seconds=0.0)
    )
    cache: Valkey = field(
        default_factory=lambda: Valkey(settings.CACHE_URL, timeout=PATIENCE, break_seconds=0.0)
    )


@dataclass(frozen=True)
class InDatabase:
    """What the database tells."""

    inbox: pipeline.InboxState
    position: pipeline.Position | None
    held: pipeline.Held
    counted: Mapping[str, int]
    uncounted: Mapping[str, int]


@dataclass(frozen=True)
class Reading:
    """All numbers at one moment; a part that is silent is None. `clock` is time.monotonic()."""

    at: datetime
    clock: float
    stream: pipeline.StreamState | None
    database: InDatabase | None
    cache_answers: bool

    @property
    def silent(self) -> list[str]:
        """Return what does not answer, in words."""
        parts = {
            "The events server (REDIS_URL)": self.stream is not None,
            "The cache server (CACHE_URL)": self.cache_answers,
            "The database": self.database is not None,
        }
        return [name for name, answers in parts.items() if not answers]

    @property
    def longest_wait(self) -> float | None:
        """Return for how many seconds the event that waits longest has waited."""
        return pipeline.longest_wait(self.stream, self.database.inbox if self.database else None)


@dataclass(frozen=True)
class Rates:
    """Events a second between two readings; None where nothing tells."""

    accepted: float | None = None
    counted: float | None = None


def take(servers: Servers) -> Reading:
    """Return what every part tells; one that is silent costs a second."""
    return Reading(
        at=timezone.now(),
        clock=time.monotonic(),
        stream=_answer(lambda: pipeline.stream_state(servers.events)),
        database=_answer(_in_database),
        cache_answers=_answer(lambda: servers.cache.ask(lambda client: client.ping())) is not None,
    )


def _in_database() -> InDatabase:
    return InDatabase(
        inbox=pipeline.inbox_state(),
        position=pipeline.position(),
        held=pipeline.held(),
        counted=pipeline.counted(),
        uncounted=pipeline.uncounted(today_only=True),
    )


def rates(before: Reading | None, now: Reading) -> Rates:
    """Return how many events came and were counted a second since the reading before."""
    if before is None or now.clock <= before.clock:
        return Rates()
    seconds = now.clock - before.clock
    accepted = counted = None
    if before.stream and now.stream and before.stream.epoch == now.stream.epoch:
        accepted = _grown(before.stream.added, now.stream.added)
    if before.database and now.database:
        counted = _grown(sum(before.database.counted.values()), sum(now.database.counted.values()))
    return Rates(
        accepted=None if accepted is None else accepted / seconds,
        counted=None if counted is None else counted / seconds,
    )


def as_json(reading: Reading) -> dict[str, Any]:
    """Return a reading as JSON takes it; what is not known is null, ages are in seconds."""
    stream, database = reading.stream, reading.database
    verified = stream.verified if stream else None
    position = database.position if database else None
    return {
        "at": reading.at.isoformat(),
        "up": {
            "events": stream is not None,
            "cache": reading.cache_answers,
            "database": database is not None,
        },
        "stream": stream.length if stream else None,
        "added": stream.added if stream else None,
        "epoch": stream.epoch if stream else None,
        "set_aside": stream.set_aside if stream else None,
        "inbox": database.inbox.length if database else None,
        "oldest_unread_seconds": _rounded(reading.longest_wait),
        "last_sweep_seconds": _rounded(pipeline.seconds_since(stream.swept_at if stream else None)),
        "counted": dict(database.counted) if database else None,
        "filtered_today": _some(database, refused=False),
        "refused_today": _some(database, refused=True),
        "floods_held": database.held.floods if database else None,
        "events_held": database.held.events if database else None,
        "position": {
            "epoch": position.epoch,
            "last_id": position.last_id,
            "updated_at": position.updated_at.isoformat(),
        }
        if position
        else None,
        "sums": {"compared_at": verified.at.isoformat(), "differing": verified.differences}
        if verified
        else None,
    }


def _some(database: InDatabase | None, *, refused: bool) -> dict[str, int] | None:
    if database is None:
        return None
    return pipeline.split(database.uncounted)[1 if refused else 0]


def _grown(before: int | None, now: int | None) -> int | None:
    if before is None or now is None or now < before:
        return None
    return now - before


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _answer(question: Callable[[], T]) -> T | None:
    try:
        return question()
    except (Error, Silent):
        return None
