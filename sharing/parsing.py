"""What the entries of the stream say.

Much of a drain's time passes here. All entries that we write are alike, so a batch of them is read column by
column, each step one call for thousands; a batch with anything else in it is read entry by entry, which says
the same and takes several times as long.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import repeat
from operator import methodcaller
from uuid import UUID

from sharing.models import ShareClass
from sharing.stream import BEGINNING, FIELD, Accepted, Entry, text_of

_FIELD = FIELD.encode()
# What its words are; the channel last, which has no space in it if it is one of ours.
_NAMES = (b"id", b"target", b"class", b"at", b"channel")
_spaces = methodcaller("count", b" ")
_CLASSES = {each.value: each.value for each in ShareClass}
_LONGEST_CHANNEL = 40
_LAST_TARGET = 2**63 - 1
# A day inside what both databases keep and every time zone can show.
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
# In milliseconds, as in entries' ids.
_HOUR = 60 * 60 * 1000
_LAST_ACCEPTED = int(_LATEST.timestamp()) * 1000
_HEX = b"0123456789abcdef"
# Seconds since 1970 with a fraction, as we write them in these centuries.
_MOMENTS = re.compile(r"(?:[0-9]{10}\.[0-9]{1,6} )*")
_DIGITS_OF_SECONDS = 10


def parse(entries: Sequence[Entry]) -> Sequence[Accepted | None]:
    """Return the event of each entry, or None where it cannot be counted."""
    try:
        return _alike(entries)
    except (KeyError, ValueError, OverflowError):
        return [_one(entry_id, flat) for entry_id, flat in entries]


def named(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the fields of an entry under their names: of the words of one, or as they are."""
    words = fields.get(_FIELD, b"").split(b" ", len(_NAMES) - 1)
    if len(fields) == 1 and len(words) == len(_NAMES):
        return dict(zip(_NAMES, words, strict=True))
    return dict(fields)


def _alike(entries: Sequence[Entry]) -> list[Accepted]:
    """Return the events of entries as we write them; raises KeyError, ValueError, OverflowError for others."""
    if not entries:
        return []
    number, width = len(entries), len(_NAMES)
    entry_ids, flats = zip(*entries, strict=True)
    names, values = zip(*flats, strict=True)
    if names.count(_FIELD) != number or set(map(_spaces, values)) != {width - 1}:
        raise ValueError("other fields than ours")
    text = b"\n".join(values).decode()
    if text.count("\n") != number - 1:
        raise ValueError("no channel of ours")
    words = text.replace("\n", " ").split(" ")
    ids, targets, classes, moments, channels = (words[place::width] for place in range(width))
    target_ids = list(map(int, targets))
    if not (min(target_ids) > 0 and max(target_ids) <= _LAST_TARGET):
        raise ValueError("no database has such a target")
    channel_of = {raw: _channel(raw) for raw in set(channels)}
    occurred_at, days = _occurred(moments)
    rows = zip(
        _event_ids(ids),
        occurred_at,
        target_ids,
        map(channel_of.__getitem__, channels),
        map(_CLASSES.__getitem__, classes),
        days,
        _hours(entry_ids),
        strict=False,
    )
    # What `Accepted(…)` does, in half the time.
    new = tuple.__new__
    return [new(Accepted, row) for row in rows]


def _event_ids(ids: list[str]) -> list[str]:
    if set(map(len, ids)) != {32} or "".join(ids).encode().translate(None, _HEX):
        raise ValueError("an id in other words")
    return ids


def _occurred(moments: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return texts and days (from 1970); the date of a second is worked out once."""
    if not _MOMENTS.fullmatch(" ".join([*moments, ""])):
        raise ValueError("a moment in other words")
    at = _DIGITS_OF_SECONDS
    seconds = [moment[:at] for moment in moments]
    known = {second: _moment(second) for second in set(seconds)}
    beginnings = {second: whole[:-6] for second, (whole, _) in known.items()}
    days = {second: day for second, (_, day) in known.items()}
    texts = [
        beginnings[second] + moment[at + 1 :].ljust(6, "0")
        for second, moment in zip(seconds, moments, strict=True)
    ]
    return texts, [days[second] for second in seconds]


def _hours(entry_ids: Sequence[bytes]) -> Iterable[int]:
    """Return the hours (from 1970) in which entries were accepted; they are in order."""
    first, last = (_accepted(entry_ids[place]) for place in (0, -1))
    if last > _LAST_ACCEPTED:
        raise ValueError("a clock that is wrong")
    if first // _HOUR == last // _HOUR:
        return repeat(first // _HOUR)
    return [_accepted(entry_id) // _HOUR for entry_id in entry_ids]


def _one(entry_id: bytes, flat: Sequence[bytes]) -> Accepted | None:
    """Return the event of an entry, whoever wrote it."""
    try:
        fields = named(dict(zip(flat[::2], flat[1::2], strict=True)))
        event_id, target, share_class, at, channel = [fields[name] for name in _NAMES]
        target_id = int(target)
        if not 0 < target_id <= _LAST_TARGET:
            return None
        occurred_at, day = _moment(at.decode())
        accepted = _accepted(entry_id)
        return Accepted(
            UUID(event_id.decode()).hex,
            occurred_at,
            target_id,
            _channel(channel.decode()),
            _CLASSES[share_class.decode()],
            day,
            accepted // _HOUR if accepted <= _LAST_ACCEPTED else day * 24,
        )
    except (KeyError, ValueError, OverflowError):
        return None


def _accepted(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[0])


def _moment(seconds: str) -> tuple[str, int]:
    """Return the text and the day of seconds since 1970; raises ValueError and OverflowError."""
    moment = BEGINNING + timedelta(microseconds=round(float(seconds) * 1_000_000))
    if not _EARLIEST <= moment <= _LATEST:
        raise ValueError("not every time zone can show it")
    return text_of(moment), (moment - BEGINNING).days


def _channel(raw: str) -> str:
    channel = raw[:_LONGEST_CHANNEL]
    if "\0" in channel:
        raise ValueError("PostgreSQL keeps no NUL")
    return channel
