"""What the tests of the burst guard have in common."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db.models import Sum

from sharing import actions
from sharing.models import (
    TOTAL_CLASSES,
    HeldCount,
    InboxEvent,
    ShareBurst,
    ShareClass,
    ShareCount,
    ShareDay,
    ShareHour,
    ShareTarget,
    ShareTotal,
)
from sharing.stream import Event

HOUR = datetime(2026, 3, 10, 14, tzinfo=UTC)
LIMIT = 10


def event(target: ShareTarget, **fields: Any) -> Event:
    """Return an event of a target, an intent accepted in HOUR unless told."""
    at = fields.pop("at", HOUR + timedelta(minutes=5))
    values = {
        "event_id": uuid4(),
        "target_id": target.pk,
        "channel": "bluesky",
        "share_class": ShareClass.INTENT,
        "occurred_at": at,
        "accepted_at": at,
    } | fields
    return Event(**values)


def count(*events: Event) -> int:
    """Count events as a drain does that finds them in the inbox, all in one batch."""
    InboxEvent.objects.bulk_create(
        InboxEvent(
            event_id=each.event_id,
            target_id=each.target_id,
            channel=each.channel,
            share_class=each.share_class,
            occurred_at=each.occurred_at,
            accepted_at=each.accepted_at,
        )
        for each in events
    )
    return actions.drain_inbox()


def flood(target: ShareTarget, number: int, **fields: Any) -> None:
    """Count so many events in one batch."""
    count(*(event(target, **fields) for _ in range(number)))


def counted(target: ShareTarget | None = None, *classes: ShareClass) -> int:
    """Return how many shares are in the counts, which must agree with the sums beside them."""
    rows = ShareCount.objects.filter(share_class__in=classes or TOTAL_CLASSES)
    days = ShareDay.objects.filter(share_class__in=classes or TOTAL_CLASSES)
    assert _sum(rows) == _sum(days)
    totals = ShareTotal.objects.all()
    if target is not None:
        rows, totals = rows.filter(target=target), totals.filter(target=target)
    found: int = sum(getattr(total, each) for total in totals for each in classes or TOTAL_CLASSES)
    assert _sum(rows) == found
    return found


def held(target: ShareTarget | None = None, *states: str) -> int:
    """Return how many shares are beyond a limit and, unless told, not counted."""
    rows = HeldCount.objects.filter(burst__state__in=states or ["held", "dropped"])
    return _sum(rows if target is None else rows.filter(burst__target=target))


def assert_exact(accepted: int) -> None:
    """Check that every share is counted or held, and that the hours say the same."""
    assert counted() + held() == accepted
    hours = ShareHour.objects.aggregate(accepted=Sum("accepted"), counted=Sum("counted"))
    assert (hours["accepted"], hours["counted"]) == (accepted, counted())


def burst() -> ShareBurst:
    """Return the only flood."""
    return ShareBurst.objects.select_related("target").get()


def _sum(rows: Any) -> int:
    return int(rows.aggregate(total=Sum("count"))["total"] or 0)
