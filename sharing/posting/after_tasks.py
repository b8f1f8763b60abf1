"""Celery's way to what happens to posts after they are published."""

from functools import cache

from celery import shared_task
from django.conf import settings

from sharing.networks.http import Outbound
from sharing.posting import fulfilling, installation, observing
from sharing.posting.afterwards import Afterwards
from sharing.posting.alone import alone_on_this_machine
from sharing.posting.wishes import FOLLOW

# Nothing new is begun after so many seconds; the next sweep goes on.
_SECONDS = 15.0


@shared_task(name=FOLLOW)
def follow_posts() -> None:
    """Delete and correct on the networks what somebody wants deleted or corrected."""
    with alone_on_this_machine("posts-followed") as alone:
        if alone and installation.may_post():
            fulfilling.fulfil(_afterwards(), seconds=_SECONDS)


@shared_task(name="sharing.observe_posts")
def observe_posts() -> None:
    """Read the numbers of published posts that are due."""
    with alone_on_this_machine("posts-observed") as alone:
        if alone and installation.may_post():
            observing.observe_due(_afterwards(), seconds=_SECONDS)


@cache
def _afterwards() -> Afterwards:
    return Afterwards(Outbound(trusted=settings.POSTING_TRUSTED_HOSTS))
