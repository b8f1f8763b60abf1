"""Entries of the stream that could not be counted: why not, and back into it where that is safe.

Nothing of them is counted. An id is remembered as long as late events are accepted; within that time putting
an entry back cannot count it twice, whatever was restored from where. Beyond it nobody can tell: it stays.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from sharing import parsing, positions, stream
from sharing.models import ShareClass, ShareTarget
from sharing.pipeline import entry_moment
from sharing.valkey import Valkey

_READ_AT_ONCE = 500
_LONGEST_SHOWN = 60

_REQUEUE = """
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(found[1][2]))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
"""


@dataclass(frozen=True)
class SetAside:
    """An entry, when it was set aside, what is wrong with it now (nothing: ""), and whether it may go back."""

    entry_id: str
    at: datetime | None
    fields: Mapping[str, str]
    why: str
    is_safe: bool


def entries(server: Valkey) -> Iterator[SetAside]:
    """Yield all entries, the oldest first, with two queries for each 500; raises Silent."""
    after = "-"
    while True:
        found = server.ask(
            lambda client, after=after: client.xrange(  # type: ignore[misc]
                stream.UNREADABLE, min=after, count=_READ_AT_ONCE
            )
        )
        if not found:
            return
        yield from _explained(found)
        after = f"({found[-1][0].decode()}"


def requeue(server: Valkey) -> tuple[int, int]:
    """Put back what can be counted now; return how many went and how many stay. Raises Silent.

    Each entry moves in one step of the server: killed in between, or run twice at once, it is in one place.
    """
    moved, left = 0, 0
    for entry in entries(server):
        if entry.is_safe:
            moved += server.ask(
                lambda client, name=entry.entry_id: client.eval(  # type: ignore[misc]
                    _REQUEUE, 2, stream.UNREADABLE, stream.STREAM, name
                )
            )
        else:
            left += 1
    return moved, left


def _explained(raw: list[tuple[bytes, dict[bytes, bytes]]]) -> Iterator[SetAside]:
    found = [(entry_id, parsing.named(fields)) for entry_id, fields in raw]
    wanted = {
        target for _, fields in found if (target := _number(fields.get(b"target"))) is not None
    }
    known = set(ShareTarget.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    oldest = timezone.now() - settings.SHARE_EVENT_RETENTION
    # The setting may have been lower when ids were last forgotten.
    oldest = max(oldest, positions.forgotten_until() or oldest)
    for raw_id, fields in found:
        name = raw_id.decode()
        why = _why(fields, known)
        occurred = _moment(fields.get(b"at")) if not why else None
        if occurred is not None and occurred < oldest:
            why = f"{settings.SHARE_EVENT_RETENTION.days} days or older: nobody can tell whether it was counted"
        yield SetAside(
            entry_id=name,
            at=entry_moment(name),
            fields={_shown(key): _shown(value) for key, value in fields.items()},
            why=why,
            is_safe=not why,
        )


def _why(fields: Mapping[bytes, bytes], known: set[int]) -> str:
    """Return what is wrong with an entry, in words, or "" where it can be counted."""
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"id": lambda value: UUID(value.decode()),
        b"target": _target_id,
        b"channel": _channel,
        b"class": lambda value: ShareClass(value.decode()),
        b"at": lambda value: datetime.fromtimestamp(float(value), tz=UTC),
    }
    for name, read in readers.items():
        if name not in fields:
            return f"no “{name.decode()}”"
        try:
            read(fields[name])
        except (ValueError, OverflowError, OSError):
            return f"“{name.decode()}” is {_shown(fields[name])!r}"
    target = int(fields[b"target"])
    return "" if target in known else f"there is no target {target}"


def _number(value: bytes | None) -> int | None:
    try:
        return _target_id(value or b"")
    except ValueError:
        return None


def _target_id(value: bytes) -> int:
    number = int(value)
    if not 0 < number < 2**63:
        raise ValueError("no key of a database")
    return number


def _channel(value: bytes) -> str:
    if b"\0" in value:
        raise ValueError("PostgreSQL takes no NUL in a text")
    return value.decode()


def _moment(value: bytes | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(value or b""), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _shown(value: bytes) -> str:
    """Return bytes as text that a terminal may show: whoever wrote them is not trusted."""
    text = value.decode(errors="replace")
    return "".join(letter if letter.isprintable() else "�" for letter in text)[:_LONGEST_SHOWN]
