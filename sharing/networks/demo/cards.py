"""The card of a link, read from its page as networks do. Pages of this machine alone: nothing here asks the internet."""

import queue
import re
import ssl
import threading
from dataclasses import dataclass
from html.parser import HTMLParser
from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit

from sharing.networks.demo.truth import Card, StoredPost, Truth
from sharing.networks.http import Expect, NotSent, Outbound, OutcomeUnknown

# The site counts no robots.
_HEADERS = {"User-Agent": "DemoNetwork/1.0 (link preview bot)"}
# Never used: only http is asked, and a usual one takes its time to be made.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_LINK_HERE = re.compile(
    r"http://(?:127(?:\.[0-9]{1,3}){3}|localhost|\[::1\])(?::[0-9]{1,5})?/[^\s<>\"]*"
)
_WITHIN = 5.0  # seconds, for one answer
_MOST_REDIRECTS = 3
_MOST_WAITING = 100


class _NoCard(Exception):
    """There is nothing to make a card of, or it is not on this machine."""


class CardReader:
    """Read the cards of posts one after the other, beside the network; more posts than it keeps up with have none."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._waiting: queue.Queue[str | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._read_all, daemon=True)

    def start(self) -> None:
        """Read from a thread of its own."""
        self._truth.on_post = self.read_soon
        self._thread.start()

    def stop(self) -> None:
        """Read nothing more."""
        while True:
            try:
                self._waiting.put_nowait(None)
            except queue.Full:
                # Whatever still waits is left.
                self._waiting.get_nowait()
            else:
                break
        self._thread.join()

    def read_soon(self, post: StoredPost) -> None:
        """Read the card of the first link of a post that brings none of its own."""
        link = first_link(post.text)
        if link and "embed" not in post.said:
            try:
                self._waiting.put_nowait(link)
            except queue.Full:
                return

    def _read_all(self) -> None:
        while (link := self._waiting.get()) is not None:
            try:
                card, kind, picture = _read(link)
            except (_NoCard, NotSent, OutcomeUnknown, ValueError):
                continue  # a page that does not answer has no card
            with self._truth.lock:
                name = self._truth.keep_picture(f"card-{self._truth.next_id()}", kind, picture)
                self._truth.cards[link] = Card(card.address, card.title, card.words, name, card.alt)


@dataclass(frozen=True, slots=True)
class _Found:
    address: str
    title: str
    words: str
    picture: str
    alt: str


def links_here(text: str) -> list[tuple[int, int]]:
    """Return where links to this machine begin and end, which networks elsewhere would not take for any."""
    return [match.span() for match in _LINK_HERE.finditer(text)]


def first_link(text: str) -> str:
    """Return the first link to this machine in a text, or ""."""
    return next((text[start:end] for start, end in links_here(text)), "")


def _read(link: str) -> tuple[_Found, str, bytes]:
    address, _, body = _ask(link)
    tags = _Tags()
    tags.feed(body.decode("utf-8", "replace"))
    found = tags.found
    card = _Found(
        address,
        found.get("og:title", ""),
        found.get("og:description", ""),
        urljoin(address, found.get("og:image", "")),
        found.get("og:image:alt", ""),
    )
    if "og:image" not in found:
        return card, "", b""
    _, kind, picture = _ask(card.picture)
    return card, kind, picture


def _ask(address: str) -> tuple[str, str, bytes]:
    """Return where an address led, the type of what is there, and its bytes; raises _NoCard, NotSent, OutcomeUnknown."""
    for _ in range(_MOST_REDIRECTS + 1):
        parts = urlsplit(address)
        if parts.scheme != "http" or not _is_here(parts.hostname or ""):
            raise _NoCard
        client = Outbound(trusted=[parts.netloc], tls=_NO_TLS, connections=1)
        try:
            answer = client.request(
                "GET", address, headers=_HEADERS, expects=Expect.NOTHING, within=_WITHIN
            )
        finally:
            client.close()
        if not 300 <= answer.status < 400:
            if answer.status != 200:
                raise _NoCard
            kind = answer.headers.get("content-type", "").partition(";")[0].strip()
            return address, kind, answer.body
        # Each is looked at like the first one: none leads off this machine.
        address = urljoin(address, answer.headers.get("location", ""))
    raise _NoCard


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class _Tags(HTMLParser):
    """The first of each meta tag that cards are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("property") or ""
        if tag == "meta" and name.startswith("og:"):
            self.found.setdefault(name, (given.get("content") or "").strip())
