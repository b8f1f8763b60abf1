"""What killed workers left: everything that was held is found again, and what kills them has an end."""

from django.db import transaction

from sharing.posting.claims import clock
from sharing.posting.models import Delivery, DeliveryAttempt
from sharing.posting.states import DeliveryState

UNSENT = "The process ended before this was sent. It is tried again."
_DOUBTFUL = "The process ended while this was being sent. It is looked for."

# So many workers may end, one after another, that had this delivery in hand and nothing else. The one before them
# had others in hand, any of which may have ended it. What chance does is far from it (docs/decisions/0025).
MOST_ALONE = 12
_MOST_ABANDONED = 1 + MOST_ALONE


def _ended_workers(times: int) -> str:
    """Return the sentences about what so many workers ended over."""
    return (
        f"Preparing this ended a worker of the site, or held it up for minutes, {times} times in a row: the last "
        f"{times - 1} times it had nothing else in hand. Nothing was sent, and other posts go on. Whoever runs the site finds "
        "in its log why the workers ended; mostly memory ran out. Try again after that, or cancel this and write it anew."
    )


@transaction.atomic
def release_abandoned() -> int:
    """Take back what dead workers held, and return how many that was.

    Unsent ones are due again, unless workers ended over them too often: those have failed. Armed ones are unknown.
    """
    now = clock()
    released = 0
    # Two sweeps share them; one that waited for a row of a worker's transaction could be waited for by it.
    rows = Delivery.objects.abandoned(now).order_by("pk").select_for_update(skip_locked=True)
    for delivery in rows:
        was_armed = delivery.state == DeliveryState.ARMED
        abandoned = delivery.abandoned + (not was_armed)
        if was_armed:
            after, words = DeliveryState.UNKNOWN, _DOUBTFUL
        elif abandoned < _MOST_ABANDONED:
            after, words = DeliveryState.APPROVED, UNSENT
        else:
            after, words = DeliveryState.FAILED, _ended_workers(abandoned)
        taken = (
            Delivery.objects.abandoned(now)
            .filter(pk=delivery.pk, fence=delivery.fence)
            .update(
                state=after,
                # A worker that was only slow must not write any more.
                fence=delivery.fence + 1,
                lease_until=None,
                not_before=None if after is DeliveryState.FAILED else now,
                abandoned=abandoned,
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
