"""Posts that are on the demo network, as the tests of what comes after need them."""

from collections.abc import Iterator
from typing import Any

import pytest

from sharing.links import post_address
from sharing.models import Delivery, ShareTarget, SocialAccount
from sharing.networks.demo import DemoNetwork
from sharing.networks.http import Outbound
from sharing.posting import accounts, actions, vault
from sharing.posting.afterwards import Afterwards
from sharing.posting.engine import send_due
from sharing.posting.sending import Networks
from tests.sharing.networks.posting.conftest import CONNECT, SEARCHABLE, TLS
from tests.sharing.posting.conftest import NOW

__all__ = ["account", "afterwards", "connect", "demo", "mastodon", "outbound", "publish", "written"]


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
def account(
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


def written(
    target: ShareTarget, account: SocialAccount, text: str = "Sleep well.", **timing: Any
) -> Delivery:
    """Return the delivery of an approved post with its link in the text."""
    code = actions.new_link_code()
    wording = actions.Wording(account.pk, f"{text} {post_address(code)}", code, "en")
    post = actions.compose(
        target=target,
        wordings=[wording],
        timing=timing.get("timing", NOW),
        by=timing.get("by"),
        approved=timing.get("approved", True),
    )
    return post.deliveries.get()


def publish(
    target: ShareTarget, account: SocialAccount, outbound: Outbound, text: str = "Sleep well."
) -> Delivery:
    """Return a delivery that was sent and is there."""
    delivery = written(target, account, text)
    send_due(Networks(outbound), seconds=30)
    delivery.refresh_from_db()
    assert delivery.state == "published", delivery.problem
    return delivery
