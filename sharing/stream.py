"""The stream of accepted events in the durable Valkey.

An entry is one event. Its epoch, a random id, is made with the stream and lost with it, so that a
flushed or replaced server is noticed. Entries are always read from the start: what is counted is
deleted, what is left is not counted yet or was not deleted yet, and event ids tell which.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sharing.models import ShareClass
from sharing.valkey import Patience, Valkey

logger = logging.getLogger(__name__)

STREAM = "share-events"
EPOCH = "share-events:epoch"
UNREADABLE = "share-events:unreadable"
SWEPT = "share-events:swept"

_READ = """
-- A full server refuses a SET and must be emptied all the same: then the epoch is the empty one.
if redis.call('EXISTS', KEYS[2]) == 0 then redis.pcall('SET', KEYS[2], ARGV[1]) end
return {redis.call('GET', KEYS[2]) or '', redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[2])}
"""
_DELETE = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
return redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
"""


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


@dataclass(frozen=True)
class Entry:
    """An event in the stream; without an event where the entry cannot be read."""

    entry_id: str
    event: Event | None
    raw: dict[bytes, bytes]


@dataclass(frozen=True)
class Batch:
    """Entries in order, and the epoch they belong to."""

    epoch: str
    entries: Sequence[Entry]


def append(valkey: Valkey, event: Event, patience: Patience) -> None:
    """Add an event; raises Silent, after which it may or may not be in the stream, or be there twice."""
    valkey.command(
        *("XADD", STREAM, "*"),
        *("id", event.event_id.hex),
        *("target", event.target_id),
        *("channel", event.channel),
        *("class", event.share_class.value),
        *("at", event.occurred_at.timestamp()),
        patience=patience,
    )


def read(valkey: Valkey, limit: int) -> Batch:
    """Return the oldest entries, at most `limit`; raises Silent."""
    epoch, raw = valkey.ask(
        lambda client: client.eval(_READ, 2, STREAM, EPOCH, str(uuid4()), limit)
    )
    entries = []
    for entry_id, flat in raw:
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        name = entry_id.decode()
        entries.append(Entry(name, _event(fields, name), fields))
    return Batch(epoch.decode(), entries)


def delete(valkey: Valkey, batch: Batch) -> None:
    """Delete a batch that is counted, unless the stream is another one by now; raises Silent."""
    ids = [entry.entry_id for entry in batch.entries]
    if ids:
        valkey.ask(lambda client: client.eval(_DELETE, 2, STREAM, EPOCH, batch.epoch, *ids))


def set_aside(valkey: Valkey, entries: Sequence[Entry]) -> None:
    """Keep entries that cannot be counted where an operator finds them; raises Silent."""
    for entry in entries:
        logger.error("share event %s cannot be counted and is set aside", entry.entry_id)
        fields: dict[Any, Any] = dict(entry.raw)
        valkey.ask(
            lambda client, fields=fields: client.xadd(UNREADABLE, fields, maxlen=10_000)  # type: ignore[misc]
        )


def note_sweep(valkey: Valkey, moment: datetime) -> None:
    """Remember when everything accepted was last counted; raises Silent."""
    valkey.ask(lambda client: client.set(SWEPT, moment.timestamp()))


def last_sweep(valkey: Valkey) -> datetime | None:
    """Return when everything accepted was last counted, or None; raises Silent."""
    raw = valkey.ask(lambda client: client.get(SWEPT))
    return datetime.fromtimestamp(float(raw), tz=UTC) if raw else None


def _event(fields: dict[bytes, bytes], entry_id: str) -> Event | None:
    try:
        accepted = int(entry_id.partition("-")[0]) / 1000
        return Event(
            event_id=UUID(fields[b"id"].decode()),
            target_id=int(fields[b"target"]),
            channel=fields[b"channel"].decode()[:40],
            share_class=ShareClass(fields[b"class"].decode()),
            occurred_at=datetime.fromtimestamp(float(fields[b"at"]), tz=UTC),
            accepted_at=datetime.fromtimestamp(accepted, tz=UTC),
        )
    except (KeyError, ValueError, OverflowError, OSError):
        return None
