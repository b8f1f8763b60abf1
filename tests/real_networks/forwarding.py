"""A server between a connector and a real one: it forwards what is asked, and misbehaves when it is told to.

So the same contract is tried as on the demo network: what is swallowed, spoilt or limited is the wire's doing, and what
is posted is really there.
"""

import http.client
import json
import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from sharing.networks.demo import DemoNetwork, StoredPost, Truth, faults
from sharing.networks.demo.exchange import Reply, Request
from sharing.networks.demo.faults import BEFORE, Wire
from sharing.networks.demo.server import ROUTES

_PATIENCE = 30.0
# What belongs to one connection, or is written anew.
_OF_A_CONNECTION = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "host",
    "date",
}
_LABELS = [(methods.split("|"), re.compile(path), label) for methods, path, label, _ in ROUTES]


class Real:
    """One account on one real server, looked at without any connector."""

    def __init__(self, origin: str, token: str, tls: ssl.SSLContext | None = None) -> None:
        self.origin = origin
        self._token = token
        self._tls = tls

    def ask(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Reply:
        """Make one request."""
        connection = self._connection()
        try:
            connection.request(method, target, body or None, headers or {})
            response = connection.getresponse()
            named = {
                name: value
                for name, value in response.getheaders()
                if name.lower() not in _OF_A_CONNECTION
            }
            return Reply(response.status, response.read(), named)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.origin)
        if parts.scheme == "https":
            return http.client.HTTPSConnection(parts.netloc, timeout=_PATIENCE, context=self._tls)
        return http.client.HTTPConnection(parts.netloc, timeout=_PATIENCE)

    def try_(
        self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Make a request with the account's own access, where there is one, whatever is answered."""
        named = dict(headers or {})
        if body is not None:
            named["Content-Type"] = "application/json"
        if self._token:
            named["Authorization"] = f"Bearer {self._token}"
        return self.ask(method, target, b"" if body is None else json.dumps(body).encode(), named)

    def json(self, method: str, target: str, body: Any = None) -> Any:
        """Make a request as `try_` does, and read the answer."""
        reply = self.try_(method, target, body)
        assert reply.status < 300, (method, target, reply.status, reply.body[:500])
        return json.loads(reply.body or b"null")

    def holding(self, link: str) -> list[StoredPost]:
        """Return the account's posts that a link is in."""
        raise NotImplementedError

    def take_away(self, post: StoredPost) -> None:
        """Delete one of them."""
        raise NotImplementedError


class RealPds(Real):
    """An account on a personal data server of the AT Protocol."""

    did = ""

    def holding(self, link: str) -> list[StoredPost]:
        """See Real."""
        asked = urlencode({"repo": self.did, "collection": "app.bsky.feed.post", "limit": 100})
        found = self.json("GET", f"/xrpc/com.atproto.repo.listRecords?{asked}")["records"]
        return [
            StoredPost(
                each["uri"], "bluesky", self.did, each["uri"].rpartition("/")[2],
                each["value"]["text"], each["value"], datetime.now(UTC),
            )
            for each in found
            if link in json.dumps(each["value"])
        ]  # fmt: skip

    def take_away(self, post: StoredPost) -> None:
        """See Real."""
        what = {"repo": self.did, "collection": "app.bsky.feed.post", "rkey": post.key}
        self.json("POST", "/xrpc/com.atproto.repo.deleteRecord", what)


class RealMastodon(Real):
    """An account on a server that speaks Mastodon's API."""

    id = ""

    def holding(self, link: str) -> list[StoredPost]:
        """See Real."""
        found = self.json("GET", f"/api/v1/accounts/{quote(self.id)}/statuses?limit=40")
        return [
            StoredPost(
                each["id"], "mastodon", self.id, "", each["content"], each, datetime.now(UTC)
            )
            for each in found
            if link in each["content"]
        ]

    def take_away(self, post: StoredPost) -> None:
        """See Real."""
        self.json("DELETE", f"/api/v1/statuses/{quote(post.id)}")


class _RealTruth(Truth):
    """The truth of a real server: the server is asked."""

    real: Real

    def holding(self, link: str) -> list[StoredPost]:
        return self.real.holding(link)


class Forwarding(DemoNetwork):
    """Answer what a real server answers, or what a fault makes of it."""

    def __init__(self, real: Real) -> None:
        super().__init__()
        self.real = real
        truth = _RealTruth()
        truth.real = real
        self.truth = truth

    def answer(self, request: Request) -> tuple[Reply, Wire]:
        """Forward a request, unless it is swallowed."""
        fault = self.faults.take(_label(request))
        if fault and fault.kind in BEFORE:
            return faults.instead(fault)
        headers = {
            name: value for name, value in request.headers.items() if name not in _OF_A_CONNECTION
        }
        reply = self.real.ask(request.method, request.target, request.body, headers)
        return faults.spoil(fault, reply) if fault else (reply, Wire.WHOLE)


Connected = Callable[[], Real]


def _label(request: Request) -> str:
    for methods, path, label in _LABELS:
        if request.method in methods and path.fullmatch(request.path):
            return label
    return "read"
