"""What the admin reads of accounts: how each does, in plain words, and what waits for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from sharing.networks.posting import network_name
from sharing.posting.models import Delivery, SocialAccount
from sharing.posting.states import DeliveryState

# From so long before its end on, an access is spoken of.
SOON = timedelta(days=14)
_S = SocialAccount.State
_WAITING = (DeliveryState.DRAFT, DeliveryState.APPROVED)
# Permissions as their networks name them, in words; others are shown as they are.
_SCOPES = {
    # Where a server is too old to know parts of them.
    "read": "read everything of the account",
    "write": "write and change everything of the account",
    "read:accounts": "see whose account it is",
    "read:statuses": "read its posts and their numbers",
    "write:statuses": "write posts",
    "write:media": "upload pictures",
    "com.atproto.appPass": "write posts, but no private messages",
    "com.atproto.appPassPrivileged": "write posts and private messages",
}


@dataclass(frozen=True)
class AccountView:
    """One account as a page shows it. `tone` is "good", "wait", "act" or "over"."""

    account: SocialAccount
    network: str
    state: str
    tone: str
    health: str
    ends: str
    scopes: tuple[str, ...]
    waiting: int
    under_way: int
    unknown: int

    @property
    def needs_a_person(self) -> bool:
        """Tell whether it must be connected again, or soon."""
        return self.tone == "act"


def waiting(account_id: int) -> int:
    """Return how many deliveries wait for an account."""
    return Delivery.objects.filter(account_id=account_id, state__in=_WAITING).count()


def accounts() -> list[AccountView]:
    """Return all accounts with one query: those that need a person first, disconnected ones last."""
    views = [_view(account, timezone.now()) for account in _counted()]
    order = {"act": 0, "wait": 1, "good": 1, "over": 2}
    return sorted(
        views, key=lambda view: (order[view.tone], view.network, view.account.handle.lower())
    )


def account(pk: int) -> AccountView | None:
    """Return one account, or None."""
    found = _counted().select_related("connected_by").filter(pk=pk).first()
    return None if found is None else _view(found, timezone.now())


def any_connected() -> bool:
    """Tell whether an account is connected, or was until it stopped working."""
    return SocialAccount.objects.exclude(state=SocialAccount.State.DISCONNECTED).exists()


def need_a_person() -> list[AccountView]:
    """Return the accounts that must be connected again, or soon; one query."""
    rows = _counted().filter(
        Q(state=_S.EXPIRED)
        | Q(state__in=[_S.ACTIVE, _S.PAUSED], expires_at__lte=timezone.now() + SOON)
    )
    return [_view(each, timezone.now()) for each in rows.order_by("expires_at", "pk")]


def _counted() -> QuerySet[Any]:
    def count(*states: DeliveryState) -> Count:
        return Count("deliveries", filter=Q(deliveries__state__in=states))

    return SocialAccount.objects.annotate(
        waiting=count(*_WAITING),
        under_way=count(DeliveryState.PREPARING, DeliveryState.ARMED),
        unknown=count(DeliveryState.UNKNOWN),
    )


def _view(account: Any, now: datetime) -> AccountView:
    tone, health = _health(account, now)
    return AccountView(
        account=account,
        network=network_name(account.network),
        state=_state(account, tone),
        tone=tone,
        health=health,
        ends=_ends(account, now),
        scopes=tuple(_SCOPES.get(scope, scope) for scope in account.scopes.split()),
        waiting=account.waiting,
        under_way=account.under_way,
        unknown=account.unknown,
    )


def _state(account: SocialAccount, tone: str) -> str:
    label: str = account.get_state_display()
    return f"{label}, ends soon" if tone == "act" and account.state == _S.ACTIVE else label


def _health(account: SocialAccount, now: datetime) -> tuple[str, str]:
    match account.state:
        case _S.DISCONNECTED:
            return "over", "Disconnected. Its secrets are erased; what it posted stays on record."
        case _S.EXPIRED:
            why = account.problem or "The network no longer accepts the connection."
            return "act", f"{why} Posts wait until it is connected again."
        case _S.PAUSED:
            return "wait", "Paused by hand: its posts wait."
    if account.silent_until and account.silent_until > now:
        why = account.problem or "The network asks to wait."
        return "wait", f"{why} It is asked again at {_clock_time(account.silent_until)}."
    if account.expires_at and account.expires_at <= now + SOON:
        return "act", "The access ends soon. Connect it again before then."
    if account.problem:
        return "wait", account.problem
    return "good", "Works: no problem is known."


def _ends(account: SocialAccount, now: datetime) -> str:
    if account.state in {_S.DISCONNECTED, _S.EXPIRED}:
        return ""
    if account.expires_at is None:
        return "Not by itself"
    local = date_format(timezone.localtime(account.expires_at), "j F Y, H:i")
    return f"{local} (over)" if account.expires_at <= now else local


def _clock_time(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "H:i")
