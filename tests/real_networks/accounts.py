"""Accounts on real servers, looked at without any connector."""

import json
import ssl
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from sharing.networks.demo import StoredPost
from tests.real_networks.asking import Client
from tests.real_networks.servers import Pds


class RealAccount(Client, ABC):
    """One account on one real server, and the posts that are really there."""

    @abstractmethod
    def holding(self, link: str) -> list[StoredPost]:
        """Return the account's posts that a link is in."""

    @abstractmethod
    def take_away(self, post: StoredPost) -> None:
        """Delete one of them."""


class RealPds(RealAccount):
    """An account on a personal data server of the AT Protocol."""

    def __init__(self, origin: str, token: str, did: str) -> None:
        super().__init__(origin, token)
        self._did = did

    @classmethod
    def signed_in(cls, server: Pds) -> "RealPds":
        """Open a session."""
        opened = Client(server.origin).json(
            "POST",
            "/xrpc/com.atproto.server.createSession",
            {"identifier": server.handle, "password": server.password},
        )
        return cls(server.origin, opened["accessJwt"], opened["did"])

    def holding(self, link: str) -> list[StoredPost]:
        """See RealAccount."""
        asked = urlencode({"repo": self._did, "collection": "app.bsky.feed.post", "limit": 100})
        found = self.json("GET", f"/xrpc/com.atproto.repo.listRecords?{asked}")["records"]
        return [
            StoredPost(
                each["uri"], "bluesky", self._did, each["uri"].rpartition("/")[2],
                each["value"]["text"], each["value"], datetime.now(UTC),
            )
            for each in found
            if link in json.dumps(each["value"])
        ]  # fmt: skip

    def take_away(self, post: StoredPost) -> None:
        """See RealAccount."""
        what = {"repo": self._did, "collection": "app.bsky.feed.post", "rkey": post.key}
        self.json("POST", "/xrpc/com.atproto.repo.deleteRecord", what)


class RealMastodon(RealAccount):
    """An account on a server that speaks Mastodon's API."""

    def __init__(self, origin: str, token: str, id: str, tls: ssl.SSLContext) -> None:
        super().__init__(origin, token, tls)
        self._id = id

    def holding(self, link: str) -> list[StoredPost]:
        """See RealAccount."""
        found = self.json("GET", f"/api/v1/accounts/{quote(self._id)}/statuses?limit=40")
        return [
            StoredPost(
                each["id"], "mastodon", self._id, "", each["content"], each, datetime.now(UTC)
            )
            for each in found
            if link in each["content"]
        ]

    def take_away(self, post: StoredPost) -> None:
        """See RealAccount."""
        self.json("DELETE", f"/api/v1/statuses/{quote(post.id)}")
