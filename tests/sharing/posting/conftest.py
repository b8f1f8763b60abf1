"""What the tests of posts have in common: a target and accounts that exist in the database alone."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sharing.models import Delivery, ShareTarget, SocialAccount, SocialPost
from sharing.posting import actions
from sharing.posting.actions import Timing, Wording

NOW = Timing(SocialPost.When.NOW)
AT_PUBLISH = Timing(SocialPost.When.AT_PUBLISH)


@pytest.fixture
def target(db: None) -> ShareTarget:
    return ShareTarget.objects.create(page_id=1, label="Sleep")


@pytest.fixture
def account(db: None) -> SocialAccount:
    return add_account("sleep@social.example")


def add_account(handle: str = "sleep@social.example", **values: Any) -> SocialAccount:
    """Return an account that nobody can post with."""
    return SocialAccount.objects.create(
        network="mastodon", host="social.example", remote_id=handle, handle=handle, **values
    )


def wording(account: SocialAccount, text: str = "Sleep well.") -> Wording:
    """Return what one account is to say."""
    return Wording(account.pk, text, actions.new_link_code())


Composed = Callable[..., Delivery]


@pytest.fixture
def composed(target: ShareTarget, account: SocialAccount) -> Composed:
    """Return a function that writes an approved post to one account, due now, with other values."""

    def compose(
        *, to: SocialAccount = account, timing: Timing = NOW, approved: bool = True, **values: Any
    ) -> Delivery:
        post = actions.compose(
            target=target, wordings=[wording(to)], timing=timing, by=None, approved=approved
        )
        deliveries = Delivery.objects.filter(post=post)
        if values:
            deliveries.update(**values)
        return deliveries.get()

    return compose


def moment(text: str) -> datetime:
    """Return a moment of an ISO text."""
    return datetime.fromisoformat(text)
