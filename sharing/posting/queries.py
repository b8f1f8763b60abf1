"""All reads of posts that others may use."""

from collections.abc import Iterable

from sharing.posting.models import Delivery, SocialAccount


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
