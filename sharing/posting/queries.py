"""All reads of posts that others may use."""

from collections.abc import Iterable

from sharing.posting.composing_models import PostTemplate
from sharing.posting.models import Delivery, SocialAccount
from sharing.posting.templates import STANDARD


def delivery_by_link(code: str) -> Delivery | None:
    """Return the delivery whose text has this short link, with its target."""
    return Delivery.objects.select_related("target").filter(link_code=code).first()


def link_names(codes: Iterable[str]) -> dict[str, str]:
    """Return what editors call the short links of posts, with one query."""
    rows = Delivery.objects.filter(link_code__in=list(codes)).values_list(
        "link_code", "account__handle", "account__network"
    )
    return {code: f"Our post as {handle} ({network})" for code, handle, network in rows}


def active_accounts() -> list[SocialAccount]:
    """Return the accounts that can be posted with, by network and handle."""
    accounts = SocialAccount.objects.filter(state=SocialAccount.State.ACTIVE)
    return list(accounts.order_by("network", "handle", "pk"))


def deliveries_about(target_ids: Iterable[int]) -> list[Delivery]:
    """Return all deliveries about these targets with their accounts and posts, the newest first, in one query."""
    rows = Delivery.objects.filter(target_id__in=list(target_ids))
    return list(rows.select_related("account", "post__target").order_by("-created_at", "-pk"))


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
