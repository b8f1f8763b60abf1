"""Doing what is wished of posts that are on their networks, one wish after another.

A wish is claimed for a time (a lease and a fence, as deliveries are), its line in the ledger is committed, the
network is asked, and what came of it is written down. Whoever dies in between is followed by somebody who asks
again: both kinds of wishes may be repeated.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.db.models import Q, QuerySet

from sharing.posting import patience, recording
from sharing.posting.accounts import AccountRow
from sharing.posting.after_models import PostWish
from sharing.posting.afterwards import There
from sharing.posting.claims import LEASE, clock
from sharing.posting.jobs import post_of
from sharing.posting.models import Delivery, DeliveryAttempt, SocialAccount
from sharing.posting.outcomes import AccessLost, Done, Later, Outcome, Refused
from sharing.posting.patience import GIVE_UP_AFTER
from sharing.posting.states import DeliveryState
from sharing.shareables import shareables

logger = logging.getLogger(__name__)

_KINDS = {
    PostWish.Kind.DELETE: DeliveryAttempt.Kind.REMOVE,
    PostWish.Kind.CORRECT: DeliveryAttempt.Kind.CORRECT,
}


class Speaker(Protocol):
    """Speaks with the networks (sharing/posting/afterwards.py)."""

    def delete(self, there: There) -> Outcome:
        """Return Done, Refused, Later or AccessLost."""
        ...

    def correct(self, there: There) -> Outcome:
        """Return Done, Refused, Later or AccessLost."""
        ...


@dataclass(frozen=True)
class Errand:
    """A wish that this worker alone may fulfil, until its lease is over."""

    wish_id: int
    fence: int
    kind: PostWish.Kind
    attempt_id: int
    delivery_id: int
    tries: int
    asked_at: datetime
    there: There


def fulfil(speaker: Speaker, *, seconds: float) -> int:
    """Do what is wished; return how many wishes were looked at. Nothing new is begun after so many seconds."""
    ends = time.monotonic() + seconds
    number = 0
    while time.monotonic() < ends and (errand := take()) is not None:
        outcome = _ask(speaker, errand)
        record(errand, outcome)
        number += 1
    return number


@transaction.atomic
def take() -> Errand | None:
    """Claim the wish that waits longest, and begin its line in the ledger; None where there is nothing to do."""
    now = clock()
    wish = (
        PostWish.objects.select_related("delivery__account", "delivery__target")
        .filter(
            Q(lease_until=None) | Q(lease_until__lt=now),
            Q(delivery__account__silent_until=None) | Q(delivery__account__silent_until__lte=now),
            ended_at=None,
            not_before__lte=now,
            delivery__account__state=SocialAccount.State.ACTIVE,
        )
        .order_by("not_before", "pk")
        .select_for_update(of=("self",), skip_locked=True)
        .first()
    )
    if wish is None:
        return None
    wish.fence += 1
    wish.lease_until = now + LEASE
    wish.tries += 1
    wish.save(update_fields=["fence", "lease_until", "tries"])
    delivery, kind = wish.delivery, PostWish.Kind(wish.kind)
    # Its worker died: whatever the network did, it is asked again.
    delivery.attempts.filter(kind=_KINDS[kind], ended_at=None).update(
        ended_at=now,
        led_to=DeliveryState.PUBLISHED,
        words="The process ended before the answer was written down. It is asked again.",
    )
    line = DeliveryAttempt.objects.create(delivery=delivery, kind=_KINDS[kind], began_at=now)
    if kind is PostWish.Kind.CORRECT:
        delivery.text = wish.text
    post = post_of(delivery, shareables([delivery.target])[delivery.target_id])
    return Errand(
        wish_id=wish.pk,
        fence=wish.fence,
        kind=kind,
        attempt_id=line.pk,
        delivery_id=delivery.pk,
        tries=wish.tries,
        asked_at=wish.asked_at,
        there=There(
            account_id=delivery.account_id,
            account=AccountRow.of(delivery.account),
            remote_id=delivery.remote_id,
            request=delivery.prepared.get("request", ""),
            post=post,
        ),
    )


def _ask(speaker: Speaker, errand: Errand) -> Outcome:
    try:
        if errand.kind is PostWish.Kind.DELETE:
            return speaker.delete(errand.there)
        return speaker.correct(errand.there)
    except Exception:
        logger.exception("a wish of a post failed in our own code")
        return Later("A fault on our side broke this off. It is logged, and tried again.")


@transaction.atomic
def record(errand: Errand, outcome: Outcome) -> bool:
    """Write down what came of it; return whether this worker still had the wish."""
    now = clock()
    mine = PostWish.objects.filter(pk=errand.wish_id, fence=errand.fence, ended_at=None)
    led_to = DeliveryState.PUBLISHED
    match outcome:
        case Done():
            had = mine.update(ended_at=now, end=PostWish.End.DONE, lease_until=None, problem="")
            # The network did it, whoever has the wish by now: that it is gone is true.
            if errand.kind is PostWish.Kind.DELETE:
                led_to = DeliveryState.WITHDRAWN
                _published(errand).update(state=led_to, problem="", changed_at=now)
            elif had:
                _published(errand).update(text=errand.there.post.text, changed_at=now)
        case Refused():
            had = _refuse(mine, outcome.words, now)
        case Later() | AccessLost() if now - errand.asked_at > GIVE_UP_AFTER:
            words = f"Given up after {GIVE_UP_AFTER.days} days. Last: {outcome.words}"
            had = _refuse(mine, words, now)
        case Later() | AccessLost():
            told = outcome.until if isinstance(outcome, Later) else None
            again = patience.next_try(errand.tries, now, told)
            had = mine.update(not_before=again, lease_until=None, problem=outcome.words[:500])
        case _:
            raise AssertionError(f"{outcome} is no end of a wish")
    DeliveryAttempt.objects.filter(pk=errand.attempt_id, ended_at=None).update(
        ended_at=now, led_to=led_to, words=outcome.words[:500]
    )
    recording.tell_account(errand.there.account_id, [outcome], now)
    return bool(had)


def _published(errand: Errand) -> "QuerySet[Delivery]":
    return Delivery.objects.filter(pk=errand.delivery_id, state=DeliveryState.PUBLISHED)


def _refuse(mine: "QuerySet[PostWish]", words: str, now: datetime) -> int:
    return mine.update(
        ended_at=now, end=PostWish.End.REFUSED, lease_until=None, problem=words[:500]
    )
