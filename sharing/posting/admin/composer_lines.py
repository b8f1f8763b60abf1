"""Deliveries as the editor and the composer list them: what became of each, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from sharing.channels import POST_PREFIX
from sharing.models import ShareClass, ShareCount
from sharing.networks.posting import CONNECTORS
from sharing.posting.models import Delivery, SocialPost
from sharing.posting.states import DeliveryState

_NAMES = {each.slug: each.name for each in CONNECTORS}


def network_name(slug: str) -> str:
    """Return what a network is called."""
    return _NAMES.get(slug, slug.capitalize())


def post_page(post: SocialPost) -> str:
    """Return the address of a post's own page."""
    return reverse("post", args=[post.pk])


@dataclass(frozen=True)
class Line:
    """One delivery. `when` says when it went out or is to; `arrivals` is None until a reader came."""

    delivery: Delivery
    network: str
    state: str
    when: str
    post_url: str
    arrivals: int | None


def lines(deliveries: Sequence[Delivery], now: datetime) -> list[Line]:
    """Return deliveries as lines, with one query for their readers."""
    arrivals = _arrivals(each.link_code for each in deliveries)
    return [
        Line(
            delivery=each,
            network=network_name(each.account.network),
            state=_state(each, now),
            when=_when(each),
            post_url=post_page(each.post),
            arrivals=arrivals.get(each.link_code),
        )
        for each in deliveries
    ]


def moment_words(moment: datetime) -> str:
    """Return a moment in the site's time."""
    return date_format(timezone.localtime(moment), "j F Y, H:i")


def _state(delivery: Delivery, now: datetime) -> str:
    state = DeliveryState(delivery.state)
    if state is DeliveryState.DRAFT and not delivery.problem:
        return "Waits for approval"
    if state is DeliveryState.APPROVED and delivery.not_before is None:
        return "Waits for publication"
    if state is DeliveryState.APPROVED and delivery.due_at is not None and delivery.due_at <= now:
        return "Due"
    return str(state.label)


def _when(delivery: Delivery) -> str:
    if delivery.published_at is not None:
        return moment_words(delivery.published_at)
    if delivery.state == DeliveryState.DRAFT and delivery.post.when == SocialPost.When.NOW:
        return "at once, when it is approved"
    if delivery.due_at is not None:
        return moment_words(delivery.due_at)
    return ""


def _arrivals(codes: Iterable[str]) -> dict[str, int]:
    rows: Any = (
        ShareCount.objects.filter(
            channel__in=[f"{POST_PREFIX}{code}" for code in codes], share_class=ShareClass.ARRIVAL
        )
        .order_by()
        .values_list("channel")
        .annotate(Sum("count"))
    )
    return {channel.removeprefix(POST_PREFIX): number for channel, number in rows}
