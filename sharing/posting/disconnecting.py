"""Pausing an account, letting it go on, and giving it up."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from sharing.networks import posting
from sharing.networks.http import Outbound
from sharing.networks.posting import conclusions
from sharing.posting import actions, installation, vault
from sharing.posting.accounts import AccountRow, as_the_network_knows_it
from sharing.posting.models import Delivery, SocialAccount
from sharing.posting.states import DeliveryState
from sharing.posting.waking import wake_sender

PAUSE, RESUME, DISCONNECT = (
    "sharing.account.pause",
    "sharing.account.resume",
    "sharing.account.disconnect",
)
NOT_REVOKED = (
    "This is not the site that posts, so the network was not asked to take the access back."
)
_S = SocialAccount.State
_GONE = "The account was disconnected."


@dataclass(frozen=True)
class Disconnected:
    """How many waiting deliveries were cancelled; `remark` is why the network did not take its access back."""

    cancelled: int
    remark: str = ""


@transaction.atomic
def pause(*, account: SocialAccount, by: Any) -> bool:
    """Let the account's posts wait; return whether that changed anything."""
    moved = SocialAccount.objects.filter(pk=account.pk, state=_S.ACTIVE).update(state=_S.PAUSED)
    if moved:
        log(account, PAUSE, user=by)
    return bool(moved)


@transaction.atomic
def resume(*, account: SocialAccount, by: Any) -> bool:
    """Let the account's posts go out again; return whether that changed anything."""
    moved = SocialAccount.objects.filter(pk=account.pk, state=_S.PAUSED).update(
        state=_S.ACTIVE, silent_until=None
    )
    if moved:
        log(account, RESUME, user=by)
        wake_sender()
    return bool(moved)


def disconnect(*, account: SocialAccount, by: Any, outbound: Outbound) -> Disconnected:
    """Take the access back at the network, erase the secrets, and give up what waits.

    The network's trouble hinders nothing: it is told, and the secrets are erased all the same. A copy of the
    site tells the network nothing: the access is the other site's too, which goes on posting with it.
    """
    remark = _revoke(account, outbound) if installation.standing().is_ours else NOT_REVOKED
    with transaction.atomic():
        changed = (
            SocialAccount.objects.filter(pk=account.pk)
            .exclude(state=_S.DISCONNECTED)
            .update(
                state=_S.DISCONNECTED,
                secrets="",
                scopes="",
                expires_at=None,
                warned_of="",
                problem="",
                failures=0,
                silent_until=None,
                renewing_until=None,
                budget=None,
                budget_until=None,
            )
        )
        if not changed:
            return Disconnected(0)
        cancelled = actions.cancel_waiting(account_id=account.pk, why=_GONE)
        log(account, DISCONNECT, user=by, data={"cancelled": cancelled, "remark": remark})
    return Disconnected(cancelled, remark)


def cancel_stragglers() -> int:
    """Give up what a worker held while its account was disconnected, and gave back since; return how many."""
    left = Delivery.objects.filter(
        account__state=_S.DISCONNECTED, state__in=[DeliveryState.DRAFT, DeliveryState.APPROVED]
    )
    accounts = set(left.values_list("account_id", flat=True))
    return sum(actions.cancel_waiting(account_id=each, why=_GONE) for each in accounts)


def _revoke(account: SocialAccount, outbound: Outbound) -> str:
    """Return why the access may still work at the network, or ""."""
    if not account.secrets:
        return ""
    try:
        known = as_the_network_knows_it(AccountRow.of(account))
        posting.connector(account.network, outbound).revoke(known)
    except (conclusions.Stopped, vault.Sealed, posting.NoConnector) as reason:
        return str(reason)
    return ""
