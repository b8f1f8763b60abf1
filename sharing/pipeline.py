"""How the way from an accepted event to a count stands: what waits, for how long, and what was held up.

Reads alone. The servers are handed in: a probe asks as readers do, briefly; a person at a terminal has time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from django.db.models import Sum
from django.utils import timezone

from sharing import stream
from sharing.filtered import Reason
from sharing.models import (
    HeldCount,
    InboxEvent,
    ShareBurst,
    ShareClass,
    ShareTotal,
    StreamPosition,
    UncountedShare,
)
from sharing.valkey import Valkey

# What the last comparison of sums and counts came to, as JSON.
VERIFIED = "share-events:verified"
# More rows than this in the inbox are not counted: what is wrong is known by then.
INBOX_COUNTED_TO = 100_000
# Reasons of `UncountedShare` for which a sender was told no; the others it was not told.
REFUSALS = frozenset(
    {
        Reason.MALFORMED, Reason.FOREIGN, Reason.UNKNOWN,
        Reason.TOO_LARGE, Reason.TOO_LATE, Reason.TOO_EARLY,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Verified:
    """When the sums were last compared with the counts, and how many differed."""

    at: datetime
    differences: int


@dataclass(frozen=True)
class StreamState:
    """What the durable server tells of the stream.

    `length` is what is not counted yet, or not trimmed; `added` how many entries ever came, None where the
    server does not say so.
    """

    length: int
    oldest_at: datetime | None
    swept_at: datetime | None
    set_aside: int
    epoch: str
    added: int | None
    verified: Verified | None


@dataclass(frozen=True)
class InboxState:
    """How many events wait in the database (at most `INBOX_COUNTED_TO`), and since when the oldest."""

    length: int
    oldest_at: datetime | None


@dataclass(frozen=True)
class Held:
    """Floods that wait for an editor, and how many events they hold."""

    floods: int
    events: int


@dataclass(frozen=True)
class Position:
    """Up to where the stream is counted, as the database has it."""

    epoch: str
    last_id: str
    updated_at: datetime


def stream_state(server: Valkey) -> StreamState:
    """Return what the server tells, with one exchange; raises Silent."""
    length, oldest, swept, set_aside, epoch, verified, told = server.ask(_ask)
    return StreamState(
        length=length,
        oldest_at=entry_moment(oldest[0][0].decode()) if oldest else None,
        swept_at=datetime.fromtimestamp(float(swept), tz=UTC) if swept else None,
        set_aside=set_aside,
        epoch=epoch.decode() if epoch else "",
        added=told.get("entries-added") if isinstance(told, dict) else None,
        verified=_verified(verified),
    )


def _ask(client: "redis.Redis") -> list[Any]:
    with client.pipeline(transaction=False) as asked:
        asked.xlen(stream.STREAM)
        asked.xrange(stream.STREAM, count=1)
        asked.get(stream.SWEPT)
        asked.xlen(stream.UNREADABLE)
        asked.get(stream.EPOCH)
        asked.get(VERIFIED)
        asked.xinfo_stream(stream.STREAM)
        *answers, told = asked.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, redis.RedisError):
            raise answer
    # A stream that does not exist yet is an error to XINFO alone.
    if isinstance(told, redis.RedisError) and not isinstance(told, redis.ResponseError):
        raise told
    return [*answers, told]


def note_verified(server: Valkey, verified: Verified) -> None:
    """Remember what a comparison came to; raises Silent."""
    told = json.dumps({"at": verified.at.timestamp(), "differences": verified.differences})
    server.ask(lambda client: client.set(VERIFIED, told))


def _verified(raw: bytes | None) -> Verified | None:
    if raw is None:
        return None
    told = json.loads(raw)
    return Verified(datetime.fromtimestamp(told["at"], tz=UTC), int(told["differences"]))


def entry_moment(entry_id: str) -> datetime | None:
    """Return when an entry was added by the server's clock; None where its id is no moment."""
    try:
        return datetime.fromtimestamp(int(entry_id.partition("-")[0]) / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def inbox_state() -> InboxState:
    """Return how the inbox stands, with two queries."""
    length = InboxEvent.objects.order_by("pk")[:INBOX_COUNTED_TO].count()
    oldest = InboxEvent.objects.order_by("pk").first() if length else None
    return InboxState(
        length=length, oldest_at=(oldest.accepted_at or oldest.occurred_at) if oldest else None
    )


def seconds_since(moment: datetime | None) -> float | None:
    """Return the age of a moment, never below 0: clocks differ; None stays None."""
    if moment is None:
        return None
    return max(0.0, (timezone.now() - moment).total_seconds())


def longest_wait(*states: StreamState | InboxState | None) -> float | None:
    """Return for how many seconds the event that waits longest has waited; None where none does."""
    moments = [state.oldest_at for state in states if state is not None and state.oldest_at]
    return seconds_since(min(moments)) if moments else None


def position() -> Position | None:
    """Return up to where the stream is counted; None before the first event."""
    row = StreamPosition.objects.filter(stream=stream.STREAM).first()
    return Position(row.epoch, row.last_id, row.updated_at) if row else None


def held() -> Held:
    """Return what the burst guard holds back, with two queries."""
    waiting = ShareBurst.objects.filter(state=ShareBurst.State.HELD)
    events = HeldCount.objects.filter(burst__state=ShareBurst.State.HELD)
    return Held(
        floods=waiting.count(), events=int(events.aggregate(total=Sum("count"))["total"] or 0)
    )


def counted() -> Mapping[str, int]:
    """Return how many events are counted in all, by class, with one query."""
    sums = ShareTotal.objects.aggregate(**{name: Sum(name) for name in ShareClass.values})
    return {name: int(sums[name] or 0) for name in ShareClass.values}


def uncounted(*, today_only: bool = False) -> Mapping[str, int]:
    """Return how many requests were no reader's share, by reason; of all time, or of this day (UTC)."""
    rows = UncountedShare.objects.all()
    if today_only:
        rows = rows.filter(day=timezone.now().astimezone(UTC).date())
    sums = rows.order_by().values_list("reason").annotate(total=Sum("count"))
    return {reason: int(total) for reason, total in sorted(sums)}


def split(uncounted: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Return what was filtered and what was refused, each by reason."""
    filtered = {name: number for name, number in uncounted.items() if name not in REFUSALS}
    return filtered, {name: uncounted[name] for name in uncounted if name in REFUSALS}
