"""What the entries of the stream say.

Much of a drain's time passes here. All entries that we write are alike, so a batch of them is read column by
column, each step one call for thousands; a batch with anything else in it is read entry by entry, which says
the same and takes several times as long.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import repeat
from uuid import UUID

from sharing.models import ShareClass
from sharing.stream import BEGINNING, Accepted, Entry, text_of

_FIELDS = (b"id", b"target", b"channel", b"class", b"at")
_CLASSES = {each.value.encode(): each.value for each in ShareClass}
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


def parse(entries: Sequence[Entry]) -> list[Accepted | None]:
    """Return the event of each entry, or None where it cannot be counted."""
    try:
        return [*_alike(entries)]
    except (KeyError, ValueError, OverflowError):
        return [_one(entry_id, flat) for entry_id, flat in entries]


def _alike(entries: Sequence[Entry]) -> Iterable[Accepted]:
    """Return the events of entries as we write them; raises KeyError, ValueError, OverflowError for others."""
    if not entries:
        return []
    entry_ids, flats = zip(*entries, strict=True)
    columns = list(zip(*flats, strict=True))
    names, values = columns[::2], columns[1::2]
    if [each[0] for each in names] != [*_FIELDS] or any(
        each.count(each[0]) != len(each) for each in names
    ):
        raise ValueError("other fields than ours")
    raw_ids, targets, channels, classes, moments = values
    target_ids = list(map(int, targets))
    if not (min(target_ids) > 0 and max(target_ids) <= _LAST_TARGET):
        raise ValueError("no database has such a target")
    channel_of = {raw: _channel(raw) for raw in set(channels)}
    occurred_at, days = _occurred(moments)
    rows = zip(
        _event_ids(raw_ids),
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


def _event_ids(raw: Sequence[bytes]) -> list[str]:
    if set(map(len, raw)) != {32}:
        raise ValueError("an id in other words")
    whole = b"".join(raw)
    if whole.translate(None, _HEX):
        raise ValueError("an id in other words")
    text = whole.decode()
    return [text[at : at + 32] for at in range(0, len(text), 32)]


def _occurred(raw: Sequence[bytes]) -> tuple[list[str], list[int]]:
    """Return texts and days (from 1970); the date of a second is worked out once."""
    text = b" ".join(raw).decode()
    moments = text.split(" ")
    if len(moments) != len(raw) or not _MOMENTS.fullmatch(f"{text} "):
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
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        event_id, target, channel, share_class, at = [fields[name] for name in _FIELDS]
        target_id = int(target)
        if not 0 < target_id <= _LAST_TARGET:
            return None
        occurred_at, day = _moment(at.decode())
        accepted = _accepted(entry_id)
        return Accepted(
            UUID(event_id.decode()).hex,
            occurred_at,
            target_id,
            _channel(channel),
            _CLASSES[share_class],
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


def _channel(raw: bytes) -> str:
    channel = raw.decode()[:_LONGEST_CHANNEL]
    if "\0" in channel:
        raise ValueError("PostgreSQL keeps no NUL")
    return channel
