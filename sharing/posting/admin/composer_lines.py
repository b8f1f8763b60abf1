"""Deliveries as the editor and the composer list them: what became of each, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Sum, prefetch_related_objects
from django.urls import reverse

from sharing.channels import POST_PREFIX
from sharing.models import ShareClass, ShareCount
from sharing.networks.posting import network_name
from sharing.posting.admin.numbers import Numbers, numbers_of
from sharing.posting.admin.standing import Standing, in_words, standing, zone_of
from sharing.posting.after_models import PostWish
from sharing.posting.models import Delivery, SocialPost
from sharing.posting.states import DeliveryState


def post_page(post: SocialPost) -> str:
    """Return the address of a post's own page."""
    return reverse("post", args=[post.pk])


@dataclass(frozen=True)
class Line:
    """One delivery. `when` says when it went out or is to.

    `arrivals` is None until a reader came; `numbers` until its network told any.
    """

    delivery: Delivery
    network: str
    standing: Standing
    when: str
    post_url: str
    arrivals: int | None
    numbers: Numbers | None


def lines(deliveries: Sequence[Delivery], now: datetime) -> list[Line]:
    """Return deliveries as lines, with three queries for their readers, their numbers and what is asked of them."""
    arrivals = arrivals_of(each.link_code for each in deliveries)
    open_wishes = Prefetch("wishes", PostWish.objects.filter(ended_at=None), to_attr="open_wishes")
    prefetch_related_objects(deliveries, open_wishes, "numbers")
    return [
        Line(
            delivery=each,
            network=network_name(each.account.network),
            standing=standing(each, now, next(iter(each.open_wishes), None)),  # type: ignore[attr-defined]  # prefetched
            when=when_of(each),
            post_url=post_page(each.post),
            arrivals=arrivals.get(each.link_code),
            numbers=numbers_of(each.numbers.all(), now),
        )
        for each in deliveries
    ]


def when_of(delivery: Delivery) -> str:
    """Return in words when a delivery went out, or is to."""
    if delivery.published_at is not None:
        return in_words(delivery.published_at, zone_of(delivery.post))
    if delivery.state == DeliveryState.DRAFT and delivery.post.when == SocialPost.When.NOW:
        return "at once, when it is approved"
    return in_words(delivery.due_at, zone_of(delivery.post))


def arrivals_of(codes: Iterable[str]) -> dict[str, int]:
    """Return how many readers the short links of posts brought, by code; one that brought none is left out."""
    rows: Any = (
        ShareCount.objects.filter(
            channel__in=[f"{POST_PREFIX}{code}" for code in codes], share_class=ShareClass.ARRIVAL
        )
        .order_by()
        .values_list("channel")
        .annotate(Sum("count"))
    )
    return {channel.removeprefix(POST_PREFIX): number for channel, number in rows}
