"""How far the stream is counted, and up to when ids of events are forgotten.

Ids decide what is counted (sharing/counting.py), for as long as they are kept. An event that occurred before
that may have been counted, by whichever way it came, and nobody can tell: it counts no more. No event is so old
that waits for its first sweep, however long that takes, because ids are forgotten by what is swept
(docs/decisions/0021). It comes from an old copy of the stream.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from sharing import counting, stream
from sharing.models import StreamPosition

# Under this name a row says up to when ids are forgotten; it has no epoch.
_FORGOTTEN = f"{stream.STREAM}:forgotten"


@dataclass(frozen=True)
class Known:
    """What tells of entries whose ids are forgotten."""

    # Up to which entry the stream was counted; as `stream.order` has it.
    counted_to: tuple[int, int]
    # As `stream.text_of` writes a moment; "" where nothing is forgotten.
    forgotten_until: str


def hold(epoch: str) -> Known:
    """Return what is known of the stream of an epoch, and hold it until the transaction ends.

    The position of the epoch before is kept under a name of its own: that stream may come back from an old
    copy.
    """
    names = (stream.STREAM, _FORGOTTEN)
    held = StreamPosition.objects.select_for_update().filter(stream__in=names)
    rows = {each.stream: each for each in held}
    row, forgotten = rows.get(stream.STREAM), rows.get(_FORGOTTEN)
    if row is not None and row.epoch != epoch:
        _write(f"{stream.STREAM}:{row.epoch}", row.epoch, row.last_id, row.updated_at)
        row = StreamPosition.objects.filter(stream=f"{stream.STREAM}:{epoch}").first()
    return Known(
        counted_to=stream.order(row.last_id.encode()) if row else (0, 0),
        forgotten_until=forgotten.last_id if forgotten else "",
    )


def keep(known: Known, epoch: str, last: bytes, now: datetime) -> None:
    """Keep up to which entry the stream of an epoch is counted; in the transaction that counts."""
    # An old copy's first batch would move it back.
    moment, sequence = max(stream.order(last), known.counted_to)
    _write(stream.STREAM, epoch, f"{moment}-{sequence}", now)


@transaction.atomic
def forget(moment: datetime, now: datetime) -> datetime:
    """Let no event count any more that occurred before a moment; return that moment, or a later one of before.

    It is committed before any id goes, and waits for whoever counts: they know the ids, and the next know this.
    """
    counting.take_turns()
    forgotten = max(moment, forgotten_until() or moment)
    _write(_FORGOTTEN, "", stream.text_of(forgotten), now)
    return forgotten


def forgotten_until() -> datetime | None:
    """Return the moment before which an event may be counted and its id forgotten, or None."""
    row = StreamPosition.objects.filter(stream=_FORGOTTEN).first()
    return datetime.fromisoformat(row.last_id).replace(tzinfo=UTC) if row else None


def _write(name: str, epoch: str, last_id: str, moment: datetime) -> None:
    StreamPosition.objects.bulk_create(
        [StreamPosition(stream=name, epoch=epoch, last_id=last_id, updated_at=moment)],
        update_conflicts=True,
        unique_fields=["stream"],
        update_fields=["epoch", "last_id", "updated_at"],
    )
