"""What the tests of posts have in common: a target, accounts, and networks in memory and on loopback."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from unittest import mock

import pytest

from sharing.models import Delivery, ShareTarget, SocialAccount, SocialPost
from sharing.networks.demo import DemoNetwork
from sharing.networks.http import Outbound
from sharing.posting import accounts, actions, known_limits, vault
from sharing.posting.actions import Timing, Wording
from sharing.posting.afterwards import Afterwards
from tests.sharing.networks.posting.conftest import CONNECT, SEARCHABLE, TLS
from tests.sharing.posting.plain_network import Network

NOW = Timing(SocialPost.When.NOW)
AT_PUBLISH = Timing(SocialPost.When.AT_PUBLISH)


@pytest.fixture
def target(db: None) -> ShareTarget:
    return ShareTarget.objects.create(page_id=1, label="Sleep")


@pytest.fixture
def account(db: None) -> SocialAccount:
    return add_account("sleep@social.example")


@pytest.fixture
def servers_are_not_asked() -> Iterator[None]:
    """Let the composer's accounts have their networks' usual figures."""
    known_limits.memory.forget()
    known_limits.memory.note(("mastodon", "social.example"), None)
    # Reading pages for their cards has tests of its own.
    with mock.patch("sharing.posting.admin.composer.card_problems", return_value=[]):
        yield
    known_limits.memory.forget()


@pytest.fixture
def network() -> Network:
    """Return a network in memory."""
    return Network()


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


@pytest.fixture
def demo() -> Iterator[DemoNetwork]:
    """Run a demo network for this test alone."""
    with DemoNetwork() as running:
        yield running


@pytest.fixture
def outbound(demo: DemoNetwork) -> Iterator[Outbound]:
    """Return a client that may ask the demo network."""
    client = Outbound(trusted=[demo.netloc], within=10.0, tls=TLS)
    yield client
    client.close()


@pytest.fixture
def afterwards(outbound: Outbound) -> Afterwards:
    """Return what asks the demo network about posts that are there."""
    return Afterwards(outbound)


@pytest.fixture(params=SEARCHABLE)
def each_account(
    request: pytest.FixtureRequest, demo: DemoNetwork, outbound: Outbound, db: None
) -> SocialAccount:
    """Return an account on each network in turn."""
    return connect(request.param, demo, outbound)


@pytest.fixture
def mastodon(demo: DemoNetwork, outbound: Outbound, db: None) -> SocialAccount:
    """Return an account on the network that edits, and whose own server counts."""
    return connect("mastodon", demo, outbound)


def connect(slug: str, demo: DemoNetwork, outbound: Outbound) -> SocialAccount:
    """Return an account on a network, connected as an editor does."""
    known = CONNECT[slug](demo, outbound)
    secrets = accounts.secrets_of(known.credentials, scheme="http", view=known.view)
    return SocialAccount.objects.create(
        network=slug,
        host=demo.netloc,
        remote_id=known.id,
        handle=known.handle,
        secrets=vault.seal(secrets),
    )


def moment(text: str) -> datetime:
    """Return a moment of an ISO text."""
    return datetime.fromisoformat(text)
