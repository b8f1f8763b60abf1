"""Telling whoever manages accounts, by mail, that an access ends or has ended; each of it once."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from sharing.networks.posting import network_name
from sharing.posting import account_queries, installation
from sharing.posting.claims import clock
from sharing.posting.models import SocialAccount
from sharing.posting.permissions import MANAGE_ACCOUNTS

# So many days before the end a mail goes out.
DAYS = (14, 7, 1)
EXPIRED = "expired"
_S = SocialAccount.State


def warn() -> int:
    """Mail what nobody was told yet, and return of how many accounts.

    A warning that was missed is not sent late: the next one says how long there is left. A copy of the site says
    nothing: its accounts are the other one's.
    """
    if not installation.standing().is_ours:
        return 0
    told = 0
    now = clock()
    accounts = SocialAccount.objects.exclude(state=_S.DISCONNECTED).order_by("pk")
    for account in accounts:
        due = due_warning(account, now)
        if due != account.warned_of:
            told += _tell(account, due, now)
    return told


def due_warning(account: SocialAccount, now: datetime) -> str:
    """Return the last thing that is to be said of this account's end by now; "" where it is far away."""
    if account.state == _S.EXPIRED:
        return EXPIRED
    if account.expires_at is None:
        return ""
    left = account.expires_at - now
    reached = [days for days in DAYS if left <= timedelta(days=days)]
    return str(min(reached)) if reached else ""


@transaction.atomic
def _tell(account: SocialAccount, due: str, now: datetime) -> int:
    """Write down what is told, and mail it in the same transaction; of two who try, one does."""
    rows = SocialAccount.objects.filter(
        pk=account.pk, warned_of=account.warned_of, state=account.state
    )
    if not rows.update(warned_of=due) or not due:
        return 0
    messages = [_message(user, account, due, now) for user in managers()]
    if messages:
        get_connection().send_messages(messages)
    return 1


def managers() -> list[Any]:
    """Return the active users with a mail address who may manage accounts."""
    users = get_user_model().objects.with_perm(
        MANAGE_ACCOUNTS, backend="django.contrib.auth.backends.ModelBackend"
    )
    return list(users.filter(is_active=True).exclude(email="").order_by("pk"))


def _message(user: Any, account: SocialAccount, due: str, now: datetime) -> EmailMessage:
    network = network_name(account.network)
    name = f"{account.handle} on {network}"
    if due == EXPIRED:
        subject = f"Connect {name} again"
    else:
        subject = f"The access to {name} ends {_in_days(account.expires_at, now)}"
    words = render_to_string(
        "sharing/mail/account_warning.txt",
        {
            "user": user,
            "account": account,
            "network": network,
            "is_expired": due == EXPIRED,
            "waiting": account_queries.waiting(account.pk),
            "address": f"{settings.SITE_URL}{reverse('social_account', args=[account.pk])}",
        },
    )
    return EmailMessage(" ".join(subject.split()), words, to=[user.email])


def _in_days(ends: datetime | None, now: datetime) -> str:
    if ends is None or ends <= now:
        return "now"
    days = (ends - now).days
    return "within a day" if days < 1 else f"in {days} day{'' if days == 1 else 's'}"
