"""Celery's way in."""

from functools import cache

from celery import shared_task
from django.conf import settings

from sharing.networks.http import Outbound
from sharing.posting import actions, disconnecting, installation, sweeping, warning
from sharing.posting.alone import alone_on_this_machine
from sharing.posting.engine import send_due
from sharing.posting.sending import Networks
from sharing.posting.waking import SEND

# Nothing new is begun after so many seconds; the next sweep goes on.
_SECONDS = 20.0


@shared_task(name=SEND)
def send_posts() -> None:
    """Take back what dead workers held, send what is due, look for what is unknown."""
    # All of them would keep the counts waiting.
    with alone_on_this_machine("posts") as alone:
        # A copy of the database sends nothing, and uses nobody's access.
        if alone and installation.may_post():
            sweeping.release_abandoned()
            send_due(_networks(), seconds=_SECONDS)


@shared_task(name="sharing.recompute_post_times")
def recompute_post_times() -> None:
    """Follow what time zones' rules have become."""
    actions.recompute_times()


@shared_task(name="sharing.look_after_accounts")
def look_after_accounts() -> None:
    """Tell whoever manages accounts of those whose access ends, and tidy up after disconnected ones."""
    warning.warn()
    disconnecting.cancel_stragglers()


@cache
def _networks() -> Networks:
    return Networks(Outbound(trusted=settings.POSTING_TRUSTED_HOSTS))
