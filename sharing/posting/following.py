"""Posts follow their pages: what is to be asked of published posts whose page is gone, or says something else now."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from sharing import shareables
from sharing.posting import wishes
from sharing.posting.actions import NotNow
from sharing.posting.after_models import PostWish
from sharing.posting.claims import clock
from sharing.posting.models import Delivery, DeliveryAttempt
from sharing.posting.states import DeliveryState
from sharing.shareables import Shareable, State

# A page that is saved once more right after its post went out was not corrected because of it.
_JUST_PUBLISHED = timedelta(minutes=10)


class Why(Enum):
    """Why a person should look at a post that is on its network."""

    PAGE_GONE = "gone"
    PAGE_CHANGED = "changed"


@dataclass(frozen=True)
class Notice:
    """What became of the page of a published post, and when the page last changed what it says."""

    why: Why
    changed_at: datetime | None = None


def notices(deliveries: Iterable[Delivery], shared: dict[int, Shareable]) -> dict[int, Notice]:
    """Return what is to be asked of posts, by the delivery's id, with at most three queries.

    `shared` is what their targets stand for, by target id.
    """
    published = [each for each in deliveries if each.state == DeliveryState.PUBLISHED]
    live = [each for each in published if shared[each.target_id].state is State.LIVE]
    found = {
        each.pk: Notice(Why.PAGE_GONE)
        for each in published
        if shared[each.target_id].state is not State.LIVE
    }
    if not live:
        return found
    changed = shareables.changed_last({shared[each.target_id].target for each in live})
    judged = _last_judged([each.pk for each in live])
    for delivery in live:
        moment = changed.get(delivery.target_id)
        since = max(filter(None, (delivery.published_at, judged.get(delivery.pk))), default=None)
        if moment and since and moment > since + _JUST_PUBLISHED:
            found[delivery.pk] = Notice(Why.PAGE_CHANGED, moment)
    return found


def page_gone(*, target_ids: Iterable[int]) -> int:
    """Have posts of pages that are gone deleted where the site is set to; return how many are asked for.

    In the transaction that takes the page down. Otherwise editors are asked, where they see the post.
    """
    if not settings.DELETE_POSTS_OF_GONE_PAGES:
        return 0
    return wishes.delete_all_of(target_ids=target_ids)


@transaction.atomic
def still_right(*, delivery: Delivery, by: Any) -> None:
    """Write down that a person compared a post with its changed page and leaves it; raises NotNow."""
    delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if DeliveryState(delivery.state) is not DeliveryState.PUBLISHED:
        label = DeliveryState(delivery.state).label.lower()
        raise NotNow(f"This post is {label} by now. Look at it again.")
    now = clock()
    DeliveryAttempt.objects.create(
        delivery=delivery,
        kind=DeliveryAttempt.Kind.PERSON,
        began_at=now,
        ended_at=now,
        led_to=DeliveryState.PUBLISHED,
        words=f"{by} looked at it after the page had changed, and leaves it as it is."[:500],
    )


def _last_judged(delivery_ids: Collection[int]) -> dict[int, datetime]:
    """Return when posts were last corrected, or a person last said that they are right."""
    by_people = (
        DeliveryAttempt.objects.filter(
            delivery_id__in=delivery_ids,
            kind=DeliveryAttempt.Kind.PERSON,
            led_to=DeliveryState.PUBLISHED,
        )
        .order_by()
        .values_list("delivery_id")
        .annotate(last=Max("ended_at"))
    )
    corrected = (
        PostWish.objects.filter(
            delivery_id__in=delivery_ids, kind=PostWish.Kind.CORRECT, end=PostWish.End.DONE
        )
        .order_by()
        .values_list("delivery_id")
        .annotate(last=Max("ended_at"))
    )
    judged: dict[int, datetime] = {}
    for pk, moment in [*by_people, *corrected]:
        judged[pk] = max(judged.get(pk, moment), moment)
    return judged
