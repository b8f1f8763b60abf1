"""What people, and the end of a page, want done with posts that are on their networks."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from sharing.links import post_address
from sharing.networks.posting import network_name
from sharing.networks.text import hidden
from sharing.posting import afterwards
from sharing.posting.actions import NotNow
from sharing.posting.after_models import PostWish
from sharing.posting.claims import clock
from sharing.posting.models import LONGEST_TEXT, Delivery, SocialAccount
from sharing.posting.states import DeliveryState
from sharing.waking import wake_after_commit

FOLLOW = "sharing.follow_posts"


@transaction.atomic
def ask_to_delete(*, delivery: Delivery, by: Any) -> None:
    """Have a published post deleted on its network; raises NotNow. Asked twice it is asked once."""
    _ask(_published(delivery), PostWish.Kind.DELETE, "", by, clock())


@transaction.atomic
def ask_to_correct(*, delivery: Delivery, text: str, by: Any) -> None:
    """Have a published post say something else, where its network edits; raises NotNow."""
    delivery = _published(delivery)
    can = afterwards.abilities(delivery.account.network)
    name = network_name(delivery.account.network)
    if can is None or not can.edits:
        raise NotNow(f"Posts on {name} cannot be changed: delete it there, and post again.")
    text = text.replace("\r\n", "\n").strip()
    if post_address(delivery.link_code) not in text:
        raise NotNow(
            f"The link {post_address(delivery.link_code)} must stay in the text: the post is found by it."
        )
    if found := hidden(text):
        raise NotNow(found)
    if len(text) > LONGEST_TEXT:
        raise NotNow(f"The text is longer than {LONGEST_TEXT:,} characters.")
    if text == delivery.text:
        raise NotNow("The text is the same as before, so nothing was changed.")
    _ask(delivery, PostWish.Kind.CORRECT, text, by, clock())


@transaction.atomic
def drop(*, delivery: Delivery) -> None:
    """Leave a post as it is after all; raises NotNow where the network is being asked at this moment."""
    now = clock()
    wish = PostWish.objects.select_for_update().filter(delivery=delivery, ended_at=None).first()
    if wish is None:
        raise NotNow("Nothing is asked of this post's network any more.")
    if wish.lease_until is not None and wish.lease_until > now:
        raise NotNow("The network is being asked at this very moment. Look at it again.")
    wish.fence += 1
    wish.ended_at, wish.end = now, PostWish.End.DROPPED
    wish.save(update_fields=["fence", "ended_at", "end"])


@transaction.atomic
def delete_all_of(*, target_ids: Iterable[int]) -> int:
    """Have every published post about these targets deleted on its network; return how many that is.

    In the transaction that takes the page down.
    """
    now = clock()
    there = list(
        Delivery.objects.select_for_update(of=("self",))
        .filter(target_id__in=list(target_ids), state=DeliveryState.PUBLISHED)
        .exclude(account__state=SocialAccount.State.DISCONNECTED)
        .order_by("pk")
    )
    # Whatever they were to say instead matters no more.
    PostWish.objects.filter(
        delivery__in=[each.pk for each in there], ended_at=None, kind=PostWish.Kind.CORRECT
    ).update(ended_at=now, end=PostWish.End.DROPPED)
    rows = [
        PostWish(delivery=each, kind=PostWish.Kind.DELETE, asked_at=now, not_before=now)
        for each in there
    ]
    PostWish.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        wake_after_commit(FOLLOW)
    return len(rows)


def _published(delivery: Delivery) -> Delivery:
    """Return the delivery as it is, held against others; raises NotNow unless it is on its network."""
    held = Delivery.objects.select_for_update(of=("self",)).select_related("account")
    delivery = held.get(pk=delivery.pk)
    if DeliveryState(delivery.state) is not DeliveryState.PUBLISHED:
        label = DeliveryState(delivery.state).label.lower()
        raise NotNow(f"This post is {label} by now. Look at it again.")
    if delivery.account.state == SocialAccount.State.DISCONNECTED:
        name = network_name(delivery.account.network)
        raise NotNow(f"The account is disconnected. Delete or change the post on {name} itself.")
    return delivery


def _ask(delivery: Delivery, kind: PostWish.Kind, text: str, by: Any, now: datetime) -> None:
    open_wish = PostWish.objects.filter(delivery=delivery, ended_at=None).first()
    if open_wish is not None and open_wish.kind == kind and open_wish.text == text:
        return
    if open_wish is not None:
        raise NotNow(
            "Something else is being asked of its network: wait until that is over, or drop it."
        )
    try:
        with transaction.atomic():
            PostWish.objects.create(
                delivery=delivery, kind=kind, text=text, asked_by=by, asked_at=now, not_before=now
            )
    except IntegrityError as error:
        raise NotNow("Somebody else asked at this very moment. Look at it again.") from error
    wake_after_commit(FOLLOW)
