"""The stream of accepted events in the durable Valkey.

An entry is one event. Its epoch, a random id, is made with the stream and lost with it, so that a
flushed or replaced server is noticed. Entries are always read from the start: what is counted is
deleted, what is left is not counted yet or was not deleted yet, and event ids tell which.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sharing.models import ShareClass
from sharing.valkey import Patience, Silent, Valkey

logger = logging.getLogger(__name__)

STREAM = "share-events"
EPOCH = "share-events:epoch"
UNREADABLE = "share-events:unreadable"
SWEPT = "share-events:swept"
# What an entry has: an event in words, the channel last.
FIELD = "event"

# A server that started again may have lost its last second, and given the ids of that second to other events.
# What is lost is the end of the stream: where the last of a batch is as it was, so is all before it.
_TRIM = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
local last = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not last or table.concat(last[2], ' ') ~= ARGV[3] then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[4])
"""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
# An entry's id, and its names and values in turn.
Entry = tuple[bytes, list[bytes]]


@dataclass(frozen=True)
class Event:
    """An accepted event.

    It counts on the day it occurred. When it was taken matters to the burst guard alone; None is as it
    occurred.
    """

    event_id: UUID
    target_id: int
    channel: str
    share_class: ShareClass
    occurred_at: datetime
    accepted_at: datetime | None = None


class Accepted(NamedTuple):
    """An accepted event in plain values, as it is counted: millions at a time."""

    event_id: str  # 32 hexadecimal digits
    occurred_at: str  # in UTC: "2026-11-26 01:10:00.000000"
    target_id: int
    channel: str
    share_class: str
    day: int  # on which it occurred (UTC), counted from 1970
    hour: int  # in which it was accepted, counted from 1970

    @classmethod
    def of(cls, event: Event) -> "Accepted":
        """Return an event in plain values."""
        accepted = event.accepted_at or event.occurred_at
        return cls(
            event.event_id.hex,
            text_of(event.occurred_at),
            event.target_id,
            event.channel,
            str(event.share_class),
            (event.occurred_at - BEGINNING) // timedelta(days=1),
            (accepted - BEGINNING) // timedelta(hours=1),
        )


@dataclass(frozen=True)
class Batch:
    """The oldest entries in order, and the epoch that they belong to."""

    epoch: str
    entries: Sequence[Entry]


def append(valkey: Valkey, event: Event, patience: Patience) -> None:
    """Add an event; raises Silent, after which it may or may not be in the stream, or be there twice."""
    valkey.command("XADD", STREAM, "*", *fields(event), patience=patience)


def fields(event: Event) -> tuple[str, str]:
    """Return the one field of an entry, which sharing/parsing.py reads: a drain reads millions."""
    at = event.occurred_at.timestamp()
    return (
        FIELD,
        f"{event.event_id.hex} {event.target_id} {event.share_class.value} {at} {event.channel}",
    )


def read(valkey: Valkey, limit: int) -> Batch:
    """Return the oldest entries, at most `limit`; raises Silent."""
    commands = _oldest(limit)
    epoch, entries = valkey.together(*commands)
    if epoch is None:
        # A full server refuses it and must be emptied all the same: then the epoch is the empty one.
        with suppress(Silent):
            valkey.ask(lambda client: client.set(EPOCH, str(uuid4()), nx=True))
        epoch, entries = valkey.together(*commands)
    return Batch((epoch or b"").decode(), entries)


@contextmanager
def read_ahead(valkey: Valkey, limit: int, batch: Batch) -> Iterator[Callable[[], Batch]]:
    """Ask for the entries after a batch now, and let them be taken later; raises Silent at either moment."""
    with valkey.together_ahead(*_oldest(limit, b"(" + batch.entries[-1][0])) as answers:

        def take() -> Batch:
            epoch, entries = answers()
            return Batch((epoch or b"").decode(), entries)

        yield take


def _oldest(limit: int, first: bytes = b"-") -> tuple[tuple[Any, ...], ...]:
    return ("GET", EPOCH), ("XRANGE", STREAM, first, "+", "COUNT", limit)


def trim(valkey: Valkey, batch: Batch) -> bool:
    """Remove a batch that is counted, unless the stream is another one by now; raises Silent.

    Tells whether anything was removed.
    """
    last, flat = batch.entries[-1]
    moment, sequence = order(last)
    words = (batch.epoch, last, b" ".join(flat), f"{moment}-{sequence + 1}")
    return bool(valkey.ask(lambda client: client.eval(_TRIM, 2, STREAM, EPOCH, *words)))


def order(entry_id: bytes) -> tuple[int, int]:
    """Return what entries are ordered by: milliseconds since 1970, and a number."""
    moment, _, sequence = entry_id.partition(b"-")
    return int(moment), int(sequence)


def text_of(moment: datetime) -> str:
    """Return a moment as SQLite keeps it, and as PostgreSQL reads it where the connection's zone is UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def set_aside(valkey: Valkey, entries: Sequence[Entry]) -> None:
    """Keep entries that cannot be counted where an operator finds them; raises Silent."""
    for entry_id, flat in entries:
        logger.error("share event %s cannot be counted and is set aside", entry_id.decode())
        valkey.ask(
            lambda client, flat=flat: client.execute_command(  # type: ignore[misc]
                "XADD", UNREADABLE, "MAXLEN", "~", 10_000, "*", *flat
            )
        )


def note_sweep(valkey: Valkey, moment: datetime) -> None:
    """Remember when everything accepted was last counted; raises Silent."""
    valkey.ask(lambda client: client.set(SWEPT, moment.timestamp()))


def last_sweep(valkey: Valkey) -> datetime | None:
    """Return when everything accepted was last counted, or None; raises Silent."""
    raw = valkey.ask(lambda client: client.get(SWEPT))
    return datetime.fromtimestamp(float(raw), tz=UTC) if raw else None
