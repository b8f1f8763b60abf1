"""All reads of posts that others may use."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Min, Q, Sum

from sharing.networks.posting import network_name
from sharing.posting.after_models import PostNumber
from sharing.posting.composing_models import PostTemplate
from sharing.posting.models import Delivery, SocialAccount
from sharing.posting.states import DeliveryState
from sharing.posting.templates import STANDARD


def delivery_by_link(code: str) -> Delivery | None:
    """Return the delivery whose text has this short link, with its target."""
    return Delivery.objects.select_related("target").filter(link_code=code).first()


def link_names(codes: Iterable[str]) -> dict[str, str]:
    """Return what editors call the short links of posts, with one query."""
    rows = Delivery.objects.filter(link_code__in=list(codes)).values_list(
        "link_code", "account__handle", "account__network"
    )
    return {
        code: f"Our post as {handle} on {network_name(network)}" for code, handle, network in rows
    }


def deliveries_about(target_ids: Iterable[int]) -> list[Delivery]:
    """Return all deliveries about these targets with their accounts, posts and watches, the newest first, in one query."""
    rows = Delivery.objects.filter(target_id__in=list(target_ids))
    return list(
        rows.select_related("account", "post__target", "watch").order_by("-created_at", "-pk")
    )


def accounts_to_choose() -> list[SocialAccount]:
    """Return the accounts that are connected, or were until they stopped working, by network and handle."""
    accounts = SocialAccount.objects.exclude(state=SocialAccount.State.DISCONNECTED)
    return list(accounts.order_by("network", "handle", "pk"))


def templates() -> list[PostTemplate]:
    """Return the templates, the default first."""
    return list(PostTemplate.objects.all())


def default_template() -> str:
    """Return the text that new posts begin with."""
    found = PostTemplate.objects.filter(is_default=True).values_list("text", flat=True).first()
    return found or STANDARD


# A worker sends within seconds; what waits longer than this for its moment is overdue.
OVERDUE_AFTER = timedelta(minutes=1)
# Nothing happens to these before a person decided, or looked.
WAITS_FOR_A_PERSON = (DeliveryState.UNKNOWN, DeliveryState.FAILED)


def overdue(now: datetime) -> Q:
    """Return what deliveries are asked by that should have gone out by now; nothing keeps it in the database."""
    return Q(state=DeliveryState.APPROVED, due_at__lt=now - OVERDUE_AFTER)


def is_overdue(delivery: Delivery, now: datetime) -> bool:
    """Tell whether a delivery should have gone out by now."""
    return (
        delivery.state == DeliveryState.APPROVED
        and delivery.due_at is not None
        and delivery.due_at < now - OVERDUE_AFTER
    )


@dataclass(frozen=True)
class Observed:
    """What networks told of the posts about an article and its sections, by name, and when they last did."""

    numbers: dict[str, int]
    sources: list[str]
    as_of: datetime


def observed(page_id: int) -> Observed | None:
    """Return what networks told of an article's posts, with one query; None where they told nothing."""
    rows = list(
        PostNumber.objects.filter(delivery__target__page_id=page_id)
        .order_by("source", "name")
        .values_list("source", "name")
        .annotate(total=Sum("value"), last=Max("as_of"))
    )
    if not rows:
        return None
    numbers: dict[str, int] = {}
    for _, name, total, _ in rows:
        numbers[name] = numbers.get(name, 0) + int(total)
    by_name = {name: numbers[name] for name in PostNumber.Name.values if name in numbers}
    sources = list(dict.fromkeys(source for source, *_ in rows))
    return Observed(by_name, sources, max(last for *_, last in rows))


def observed_between(
    *, target_ids: Iterable[int] | None = None, title: str = ""
) -> tuple[datetime, datetime] | None:
    """Return when the oldest and the newest of the numbers behind *observed* were read, with one query.

    Of some targets, of those with some words in their titles, or of all; None where there are no such numbers.
    """
    rows = PostNumber.objects.filter(counted__gt=0)
    if target_ids is not None:
        rows = rows.filter(delivery__target__in=list(target_ids))
    if title:
        rows = rows.filter(delivery__target__label__icontains=title)
    found = rows.aggregate(first=Min("as_of"), last=Max("as_of"))
    return (found["first"], found["last"]) if found["first"] else None


_ONE = {"reposts": "repost", "quotes": "quote", "likes": "like", "replies": "reply"}


def in_numbers(number: int, name: str) -> str:
    """Return a number that a network told in words: “1 repost”, “2,000 likes”."""
    return f"{number:,} {_ONE[name] if number == 1 else name}"
