"""Sign in at a server and allow a site to post, as a browser does: by its forms, with its cookies."""

import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from sharing.networks.http import Outbound
from sharing.networks.posting import mastodon_sign_in as sign_in
from sharing.networks.posting.contract import Credentials
from tests.real_networks.servers import MastodonServer
from tests.sharing.networks.posting.conftest import REDIRECT_URI


def let_in(server: MastodonServer, outbound: Outbound) -> Credentials:
    """Return what a sign-in with registration, PKCE and state ends with."""
    app = sign_in.register(
        outbound, server.origin, redirect_uri=REDIRECT_URI, name="Health", website=""
    )
    begun = sign_in.begin(app)
    browser = _Browser(server)
    browser.go(begun.url)
    browser.submit(username=server.name, password=server.password)
    browser.submit(allow="Authorize")
    assert browser.address.startswith(REDIRECT_URI), browser.address
    back = parse_qs(urlsplit(browser.address).query)
    return sign_in.finish(
        outbound, app, begun, state=back["state"][0], code=back.get("code", [""])[0]
    )


class _Browser:
    """The page that is open, its form, and the cookies of one server."""

    def __init__(self, server: MastodonServer) -> None:
        self._origin = server.origin
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=server.tls),
            urllib.request.HTTPCookieProcessor(CookieJar()),
            _WithinServer(server.origin),
        )
        self.address = ""
        self._fields: dict[str, str] = {}
        self._action = ""

    def go(self, address: str, body: bytes | None = None) -> None:
        """Open a page, and what it leads to on this server."""
        try:
            with self._opener.open(address, body, timeout=30) as answer:
                self.address = answer.geturl()
                form = _Form()
                form.feed(answer.read().decode())
        except _Left as left:
            self.address, form = left.address, _Form()
        self._fields, self._action = form.fields, form.action

    def submit(self, **typed: str) -> None:
        """Send the page's form with what was typed."""
        address = urljoin(self.address, self._action) if self._action else self.address
        self.go(address, urlencode(self._fields | typed).encode())


class _Left(Exception):
    """A page leads to another server."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class _WithinServer(urllib.request.HTTPRedirectHandler):
    def __init__(self, origin: str) -> None:
        self._origin = origin

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        """Follow it, or stop where it leads to another server."""
        if not newurl.startswith(f"{self._origin}/"):
            raise _Left(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Form(HTMLParser):
    """The last form of a page: its address, and what it holds already."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form or one of its fields."""
        named = dict(attrs)
        if tag == "form":
            self.fields, self.action = {}, named.get("action") or ""
        elif tag == "input" and named.get("type") == "hidden" and named.get("name"):
            self.fields[named["name"] or ""] = named.get("value") or ""
