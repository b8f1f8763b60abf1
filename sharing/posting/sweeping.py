"""What killed workers left: everything that was held is found again."""

from django.db import transaction

from sharing.posting.claims import clock
from sharing.posting.models import Delivery, DeliveryAttempt
from sharing.posting.states import DeliveryState

_UNSENT = "The process ended before this was sent. It is tried again."
_DOUBTFUL = "The process ended while this was being sent. It is looked for."


@transaction.atomic
def release_abandoned() -> int:
    """Take back what dead workers held: unsent ones are due again, armed ones are unknown. Return how many."""
    now = clock()
    released = 0
    # Two sweeps share them; one that waited for a row of a worker's transaction could be waited for by it.
    rows = Delivery.objects.abandoned(now).order_by("pk").select_for_update(skip_locked=True)
    for delivery in rows:
        was_armed = delivery.state == DeliveryState.ARMED
        after = DeliveryState.UNKNOWN if was_armed else DeliveryState.APPROVED
        words = _DOUBTFUL if was_armed else _UNSENT
        taken = (
            Delivery.objects.abandoned(now)
            .filter(pk=delivery.pk, fence=delivery.fence)
            .update(
                state=after,
                # A worker that was only slow must not write any more.
                fence=delivery.fence + 1,
                lease_until=None,
                not_before=now,
                problem=words,
                changed_at=now,
            )
        )
        if not taken:
            continue
        released += 1
        line = delivery.attempts.filter(ended_at=None).update(
            ended_at=now, led_to=after, words=words
        )
        if not line:
            DeliveryAttempt.objects.create(
                delivery=delivery,
                kind=DeliveryAttempt.Kind.PREPARE,
                began_at=now,
                ended_at=now,
                led_to=after,
                words=words,
            )
    return released
