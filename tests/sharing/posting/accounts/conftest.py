"""A demo network that the admin may ask, and people who go there and come back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from sharing.models import SocialAccount
from sharing.networks.demo import DemoNetwork, telegram_api
from sharing.networks.http import Expect, Outbound
from sharing.posting import reaching
from tests.sharing.networks.posting.conftest import TLS, WITHIN

PASSWORD = "demo-demo-demo-demo"


@pytest.fixture
def network(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[DemoNetwork]:
    """Run a demo network that this site may ask."""
    with DemoNetwork() as running:
        running.truth.accounts["other"] = "othe-othe-othe-othe"
        settings.POSTING_TRUSTED_HOSTS = [running.netloc]
        client = Outbound(trusted=[running.netloc], within=WITHIN, tls=TLS)
        monkeypatch.setattr(reaching, "client", lambda trusted: client)
        yield running
        client.close()


@dataclass
class Desk:
    """An administrator at the pages of accounts, and the network."""

    browser: Client
    network: DemoNetwork

    def get(self, name: str, *args: Any, query: str = "", **options: Any) -> Any:
        return self.browser.get(f"{reverse(name, args=args)}{query}", **options)

    def post(self, name: str, *args: Any, query: str = "", **fields: str) -> Any:
        return self.browser.post(f"{reverse(name, args=args)}{query}", fields)

    def begin(self, *, query: str = "", **fields: str) -> str:
        """Type the server's name; return the address that the page leads to."""
        answer = self.post(
            "social_account_connect_mastodon",
            query=query,
            **({"server": self.network.netloc} | fields),
        )
        assert answer.status_code == 200
        found = re.search(r'href="(http://[^"]*/oauth/authorize[^"]*)"', answer.content.decode())
        assert found, answer.content.decode()
        return unescape(found[1])

    def allow(self, address: str, account: str = "demo") -> str:
        """Let the site in there (or refuse, as nobody); return where that leads back to."""
        answer = reaching.outbound().request(
            "POST", address, body=f"account={account}".encode(), expects=Expect.NOTHING,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        assert answer.status == 303
        back = urlsplit(answer.headers["location"])
        assert back.path == reverse("social_account_connected")
        return f"{back.path}?{back.query}"

    def connect_mastodon(self, account: str = "demo", *, query: str = "") -> Any:
        return self.browser.get(self.allow(self.begin(query=query), account))

    def connect_bluesky(self, *, query: str = "", **fields: str) -> Any:
        typed = {"handle": "demo.test", "app_password": PASSWORD, "server": self.network.netloc}
        return self.post("social_account_connect_bluesky", query=query, **(typed | fields))

    def connect_telegram(self, account: str = "demo", *, query: str = "", **fields: str) -> Any:
        typed = {
            "channel": f"@{telegram_api.username_of(account)}",
            "token": telegram_api.token_of(account, self.network.truth.accounts[account]),
            "server": self.network.netloc,
        }
        return self.post("social_account_connect_telegram", query=query, **(typed | fields))

    def account(self, network: str = "mastodon") -> SocialAccount:
        host = self.network.netloc
        return SocialAccount.objects.get(network=network, host=host)


@pytest.fixture
def desk(administrator: Client, network: DemoNetwork) -> Desk:
    """Return an administrator at work."""
    return Desk(administrator, network)


def said(answer: Any) -> str:
    """Return a page's text, or the messages of the page that an answer leads to, without tags."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(unescape(text).split())
