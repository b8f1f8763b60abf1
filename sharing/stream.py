"""The stream of accepted events in the durable Valkey.

An entry is one event. Its epoch, a random id, is made with the stream and lost with it, so that a
flushed or replaced server is noticed. Entries are always read from the start: what is counted is
deleted, what is left is not counted yet or was not deleted yet, and event ids tell which.
"""

import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from sharing.models import ShareClass
from sharing.valkey import Patience, Silent, Valkey

logger = logging.getLogger(__name__)

STREAM = "share-events"
EPOCH = "share-events:epoch"
UNREADABLE = "share-events:unreadable"
SWEPT = "share-events:swept"

# A server that started again may have lost its last second, and given the ids of that second to other events.
# What is lost is the end of the stream: where the last of a batch is as it was, so is all before it.
_TRIM = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
local last = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not last or table.concat(last[2], ' ') ~= ARGV[3] then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[4])
"""
_FIELDS = [b"id", b"target", b"channel", b"class", b"at"]
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_HEX_ID = re.compile(rb"[0-9a-f]{32}")
_CLASSES = {each.value.encode(): each.value for each in ShareClass}
_LONGEST_CHANNEL = 40
_LAST_TARGET = 2**63 - 1
# In microseconds since 1970; a day inside what both databases and every time zone can show.
_EARLIEST = -62_135_510_400_000_000
_LATEST = 253_402_214_400_000_000
_HOUR_IN_MILLISECONDS = 60 * 60 * 1000

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
    """An accepted event in plain values: what is counted, millions at a time."""

    event_id: str  # 32 hexadecimal digits
    target_id: int
    channel: str
    share_class: str
    occurred: int  # microseconds since 1970
    hour: int  # of its acceptance, in hours since 1970

    @classmethod
    def of(cls, event: Event) -> "Accepted":
        """Return an event in plain values."""
        occurred = (event.occurred_at - _BEGINNING) // timedelta(microseconds=1)
        accepted = (event.accepted_at or event.occurred_at) - _BEGINNING
        return cls(
            event.event_id.hex,
            event.target_id,
            event.channel,
            str(event.share_class),
            occurred,
            accepted // timedelta(hours=1),
        )


@dataclass(frozen=True)
class Batch:
    """The oldest entries in order, and the epoch that they belong to."""

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
    commands = (("GET", EPOCH), ("XRANGE", STREAM, "-", "+", "COUNT", limit))
    epoch, entries = valkey.together(*commands)
    if epoch is None:
        # A full server refuses it and must be emptied all the same: then the epoch is the empty one.
        with suppress(Silent):
            valkey.ask(lambda client: client.set(EPOCH, str(uuid4()), nx=True))
        epoch, entries = valkey.together(*commands)
    return Batch((epoch or b"").decode(), entries)


def trim(valkey: Valkey, batch: Batch) -> None:
    """Remove a batch that is counted, unless the stream is another one by now; raises Silent."""
    if batch.entries:
        last, flat = batch.entries[-1]
        moment, sequence = order(last)
        words = (batch.epoch, last, b" ".join(flat), f"{moment}-{sequence + 1}")
        valkey.ask(lambda client: client.eval(_TRIM, 2, STREAM, EPOCH, *words))


def order(entry_id: bytes) -> tuple[int, int]:
    """Return what entries are ordered by: milliseconds since 1970, and a number."""
    moment, _, sequence = entry_id.partition(b"-")
    return int(moment), int(sequence)


def parse(entries: Sequence[Entry]) -> list[Accepted | None]:
    """Return the event of each entry, or None where it cannot be counted."""
    channels: dict[bytes, str] = {}  # few, of many entries
    events: list[Accepted | None] = []
    for entry_id, flat in entries:
        try:
            if flat[::2] == _FIELDS:
                event_id, target, raw_channel, share_class, at = flat[1::2]
            else:
                fields = dict(zip(flat[::2], flat[1::2], strict=True))
                event_id, target, raw_channel, share_class, at = [fields[name] for name in _FIELDS]
            channel = channels.get(raw_channel)
            if channel is None:
                channel = channels[raw_channel] = _channel(raw_channel)
            target_id = int(target)
            occurred = round(float(at) * 1_000_000)
            if not (0 < target_id <= _LAST_TARGET and _EARLIEST <= occurred <= _LATEST):
                raise ValueError("beyond what a database keeps")  # noqa: TRY301
            accepted = int(entry_id.partition(b"-")[0])
            if accepted > _LATEST // 1000:
                accepted = occurred // 1000
            events.append(
                Accepted(
                    event_id.decode() if _HEX_ID.fullmatch(event_id) else _hex(event_id),
                    target_id,
                    channel,
                    _CLASSES[share_class],
                    occurred,
                    accepted // _HOUR_IN_MILLISECONDS,
                )
            )
        except (KeyError, ValueError, OverflowError):
            events.append(None)
    return events


def _channel(raw: bytes) -> str:
    channel = raw.decode()[:_LONGEST_CHANNEL]
    if "\0" in channel:
        raise ValueError("PostgreSQL keeps no NUL")
    return channel


def _hex(raw: bytes) -> str:
    return UUID(raw.decode()).hex


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
