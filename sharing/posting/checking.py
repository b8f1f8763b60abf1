"""Asking a network whether an account still works, when a person wants to know."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from wagtail.log_actions import log

from sharing.networks import posting
from sharing.networks.http import Outbound
from sharing.networks.posting import conclusions, contract
from sharing.posting import accounts, installation, vault
from sharing.posting.models import SocialAccount
from sharing.posting.waking import wake_sender

CHECK = "sharing.account.check"
_S = SocialAccount.State
_LONGEST_PROBLEM = 500


@dataclass(frozen=True)
class Checked:
    """What came of it; `problem` is "" where the account works, or where nobody was asked."""

    problem: str = ""
    is_lost: bool = False
    was_asked: bool = True


def check(*, account: SocialAccount, by: Any, outbound: Outbound) -> Checked:
    """Ask whose account it is, and write down what came of it.

    An account that the network had shut out and takes again goes on. Trouble that passes disconnects nothing.
    A copy of the site does not ask: an access that is renewed here would be over for the site that posts.
    """
    if not installation.standing().is_ours:
        return Checked(was_asked=False)
    try:
        profile = _profile(account, outbound)
    except conclusions.Stopped as stopped:
        lost = isinstance(
            stopped.outcome, conclusions.CredentialsDead | conclusions.CredentialsExpired
        )
        found = Checked(str(stopped), is_lost=lost)
    except (vault.Sealed, posting.NoConnector) as reason:
        found = Checked(str(reason))
    else:
        if profile.id != account.remote_id:
            found = Checked("The network answered for another account. Connect it again.")
        else:
            found = Checked()
            _works(account, profile)
    with transaction.atomic():
        if found.problem:
            rows = SocialAccount.objects.filter(pk=account.pk).exclude(state=_S.DISCONNECTED)
            rows.update(problem=found.problem[:_LONGEST_PROBLEM])
            if found.is_lost:
                rows.filter(state=_S.ACTIVE).update(state=_S.EXPIRED)
        log(account, CHECK, user=by, data={"problem": found.problem})
    return found


def _profile(account: SocialAccount, outbound: Outbound) -> contract.Profile:
    connector = posting.connector(account.network, outbound)
    known = accounts.as_the_network_knows_it(accounts.AccountRow.of(account))
    try:
        return connector.profile(known)
    except conclusions.Stopped as stopped:
        if not isinstance(stopped.outcome, conclusions.CredentialsExpired):
            raise
        return connector.profile(
            connector.renew(known, accounts.Keyring(account.pk, in_request=True))
        )


@transaction.atomic
def _works(account: SocialAccount, profile: contract.Profile) -> None:
    rows = SocialAccount.objects.filter(pk=account.pk).exclude(state=_S.DISCONNECTED)
    rows.update(
        handle=profile.handle[:300],
        name=profile.name[:300],
        problem="",
        failures=0,
        silent_until=None,
    )
    if rows.filter(state=_S.EXPIRED).update(state=_S.ACTIVE, warned_of=""):
        wake_sender()
