"""A demo network on loopback, and accounts on it; no database anywhere."""

import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sharing.networks.demo import DemoNetwork, telegram_api
from sharing.networks.http import Outbound
from sharing.networks.posting import CONNECTORS, connector
from sharing.networks.posting import mastodon_sign_in as sign_in
from sharing.networks.posting.bluesky import Bluesky
from sharing.networks.posting.contract import (
    Account,
    Connector,
    Credentials,
    Limits,
    Media,
    Post,
    Prepared,
    Repeat,
    Stamp,
)
from sharing.networks.posting.telegram import TelegramChannel
from sharing.networks.secret import Secret

VECTORS = Path(__file__).parent / "text_vectors.json"
LINK = "https://health.example/s/k7Qp2mabc/"
# So long an exchange of a test may take, in seconds, on a busy machine; and where it must run out of time.
WITHIN = 30.0
HURRIED = 0.7
REDIRECT_URI = "https://health.example/admin/accounts/connected/"
# The demo network speaks http: reading the system's certificates for each test would take longer than it.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


@pytest.fixture
def network() -> Iterator[DemoNetwork]:
    """Run a demo network for this test alone."""
    with DemoNetwork() as running:
        yield running


@pytest.fixture
def outbound(network: DemoNetwork) -> Iterator[Outbound]:
    """Return a client that may ask the demo network."""
    client = Outbound(trusted=[network.netloc], within=WITHIN, tls=TLS)
    yield client
    client.close()


@dataclass
class Rings:
    """A keyring in memory."""

    credentials: Credentials
    guard: Any = field(default_factory=Lock)
    saved: int = 0

    def lock(self) -> Any:
        return self.guard

    def load(self) -> Credentials:
        return self.credentials

    def save(self, credentials: Credentials) -> None:
        self.saved += 1
        self.credentials = credentials


@dataclass
class Desk:
    """One account on the demo network and what publishes for it."""

    network: DemoNetwork
    outbound: Outbound
    connector: Connector
    account: Account

    @property
    def limits(self) -> Limits:
        return self.connector.limits(self.account)

    def post(self, text: str = f"Salt in bread {LINK}", **more: Any) -> Post:
        return Post(text, LINK, **more)

    def stamp(self, *, age: timedelta = timedelta()) -> Stamp:
        return self.connector.stamp(datetime.now(UTC) - age)

    def prepare(self, post: Post | None = None, stamp: Stamp | None = None) -> Prepared:
        return self.connector.prepare(
            self.account, post or self.post(), stamp or self.stamp(), self.limits
        )

    @property
    def is_blind(self) -> bool:
        """Say that nothing can be looked up at this network."""
        return self.connector.abilities.repeat is Repeat.NEVER

    def find_now(self, prepared: Prepared) -> Any:
        now = datetime.now(UTC)
        return self.connector.find(self.account, prepared, sent_at=now, now=now)

    def find_later(self, prepared: Prepared) -> Any:
        now = datetime.now(UTC)
        later = now + self.connector.abilities.settles_after
        return self.connector.find(self.account, prepared, sent_at=now, now=later)

    def held(self) -> int:
        """Return how many posts the network really holds with the link."""
        return len(self.network.truth.holding(LINK))

    def with_token(self, token: str) -> None:
        credentials = replace(self.account.credentials, access=Secret(token))
        self.account = replace(self.account, credentials=credentials)


def connect_mastodon(network: DemoNetwork, outbound: Outbound) -> Account:
    """Connect an account as an editor's browser does."""
    app = sign_in.register(
        outbound,
        network.origin,
        redirect_uri=REDIRECT_URI,
        name="Health",
        website="https://health.example/",
    )
    begun = sign_in.begin(app)
    came_back = allow(outbound, begun.url)
    credentials = sign_in.finish(
        outbound, app, begun, state=came_back["state"][0], code=came_back["code"][0]
    )
    account = Account(network.origin, "", "", credentials, network.origin)
    profile = connector("mastodon", outbound).profile(account)
    return replace(account, id=profile.id, handle=profile.handle)


def allow(outbound: Outbound, url: str, account: str = "demo") -> dict[str, list[str]]:
    """Press the button of the network's own page; return what the browser brings back."""
    answer = outbound.request(
        "POST",
        url,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode({"account": account}).encode(),
    )
    assert answer.status == 303
    return parse_qs(urlsplit(answer.headers["location"]).query)


def connect_bluesky(network: DemoNetwork, outbound: Outbound) -> Account:
    """Connect an account with an app password."""
    bluesky = cast("Bluesky", connector("bluesky", outbound))
    password = Secret(network.truth.accounts["demo"])
    return bluesky.sign_in(network.origin, "@demo.test", password, view=network.origin)


def connect_telegram(network: DemoNetwork, outbound: Outbound) -> Account:
    """Connect a channel with its bot's token."""
    telegram = cast("TelegramChannel", connector("telegram", outbound))
    token = Secret(telegram_api.token_of("demo", network.truth.accounts["demo"]))
    channel = f"@{telegram_api.username_of('demo')}"
    return telegram.connect(token, channel, origin=network.origin, view=network.origin)


CONNECT: dict[str, Callable[[DemoNetwork, Outbound], Account]] = {
    "mastodon": connect_mastodon,
    "bluesky": connect_bluesky,
    "telegram": connect_telegram,
}
# Where a post can be looked up after its answer was lost.
SEARCHABLE = sorted(each.slug for each in CONNECTORS if each.abilities.repeat is not Repeat.NEVER)


@pytest.fixture(params=sorted(CONNECT))
def desk(request: pytest.FixtureRequest, network: DemoNetwork, outbound: Outbound) -> Desk:
    """Return a desk at each network in turn."""
    return open_desk(request.param, network, outbound)


@pytest.fixture(params=SEARCHABLE)
def searchable(request: pytest.FixtureRequest, network: DemoNetwork, outbound: Outbound) -> Desk:
    """Return a desk at each network in turn that can be searched."""
    return open_desk(request.param, network, outbound)


@pytest.fixture
def hurried(desk: Desk) -> Iterator[Desk]:
    """Return the same desk with little patience."""
    client = Outbound(trusted=[desk.network.netloc], within=HURRIED, tls=TLS)
    yield replace(desk, outbound=client, connector=connector(desk.connector.slug, client))
    client.close()


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for a condition, for a generous while."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def open_desk(slug: str, network: DemoNetwork, outbound: Outbound) -> Desk:
    """Connect an account and return its desk."""
    account = CONNECT[slug](network, outbound)
    return Desk(network, outbound, connector(slug, outbound), account)


def picture(**different: Any) -> Media:
    """Return a picture of one pixel."""
    return replace(Media(PIXEL, "image/png", "A pinch of salt", 1, 1), **different)
