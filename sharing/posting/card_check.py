"""Reading our own pages as networks read them, before a post sends anybody there. Asks nobody outside."""

import logging
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from io import BytesIO
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http.response import HttpResponseBase

from sharing import card_files, card_queries, shareables
from sharing.models import ShareTarget
from sharing.networks.posting.contract import Problem
from sharing.shareables import State

logger = logging.getLogger(__name__)

# In pixels; smaller pictures are shown as a thumbnail beside the words, or not at all.
SMALLEST = (600, 315)
# In bytes: what the smallest of the networks' limits (Bluesky's) lets through.
LARGEST = 1_000_000
_PNG = b"\x89PNG\r\n\x1a\n"


def card_problems(target: ShareTarget) -> Sequence[Problem]:
    """Return what networks would miss on the public page of an article or section; nothing blocks.

    A page that is not published has no tags to read and no problems yet.
    """
    found = shareables.shareable(target)
    if found.state is not State.LIVE:
        return []
    html = _page(found.url)
    if html is None:
        return [_problem("The page could not be read as networks read it: they may show no card.")]
    tags = _Tags()
    tags.feed(html)
    return [_problem(sentence) for sentence in _sentences(target, tags.found)]


def _problem(sentence: str) -> Problem:
    return Problem("card", sentence, blocking=False)


def _sentences(target: ShareTarget, tags: dict[str, str]) -> Iterator[str]:
    if not tags.get("og:title"):
        yield "The page names no title for networks: the card will show its address alone."
    if not (tags.get("og:description") or tags.get("description")):
        yield (
            "The page has no description for networks. Write a standfirst or a search description, or a summary "
            "of the section."
        )
    picture = tags.get("og:image", "")
    digest = _digest(picture)
    if not picture:
        yield "The page names no picture for networks: the card will be words alone."
    elif digest is None:
        yield (
            "The share card is not drawn yet: until it is, networks show the site’s own picture."
            if card_queries.made_card(target.pk) == ""
            else "The page does not name its share card yet: networks may show an older picture."
        )
    else:
        yield from _picture_sentences(digest)


def _picture_sentences(digest: str) -> Iterator[str]:
    try:
        data = card_files.read(digest)
    except OSError:
        yield "The picture of the share card cannot be read: networks will show none."
        return
    size = _png_size(data)
    if size is None:
        yield "The picture of the share card is damaged: networks will show none."
    elif size[0] < SMALLEST[0] or size[1] < SMALLEST[1]:
        yield (
            f"The picture of the share card is {size[0]} × {size[1]} pixels: networks show it small, or not at "
            f"all, below {SMALLEST[0]} × {SMALLEST[1]}."
        )
    if len(data) > LARGEST:
        yield f"The picture of the share card has {len(data):,} bytes; Bluesky takes {LARGEST:,}."


def _digest(address: str) -> str | None:
    """Return the digest of a card of ours that an address names, or None for any other picture."""
    path = unquote(urlsplit(address).path).removeprefix(settings.MEDIA_URL)
    return PurePosixPath(path).stem if card_files.is_card(path) else None


def _png_size(data: bytes) -> tuple[int, int] | None:
    if not data.startswith(_PNG) or len(data) < 24:
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def _page(address: str) -> str | None:
    """Return the HTML that a reader without a cookie gets at one of our addresses, or None."""
    parts = urlsplit(address)
    site = urlsplit(settings.SITE_URL)
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": "",
            "SERVER_NAME": site.hostname,
            "SERVER_PORT": str(site.port or (443 if site.scheme == "https" else 80)),
            "HTTP_HOST": site.netloc,
            "HTTP_X_FORWARDED_PROTO": site.scheme,
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": BytesIO(),
            "wsgi.url_scheme": site.scheme,
        }
    )
    handler = BaseHandler()
    handler.load_middleware()
    try:
        # Not closed: that would tell Django that the request this is part of was over.
        answer: HttpResponseBase = handler.get_response(request)
    except Exception:  # a page that cannot be drawn must not take the composer with it
        logger.exception("the page at %s cannot be read for its card", address)
        return None
    if answer.status_code != 200 or getattr(answer, "streaming", False):
        logger.warning("the page at %s answers %s", address, answer.status_code)
        return None
    return str(answer.content.decode("utf-8", "replace"))  # type: ignore[attr-defined]


class _Tags(HTMLParser):
    """The meta tags of a page's head by property or name, the first of each."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a meta tag."""
        if tag == "meta":
            values = dict(attrs)
            name = values.get("property") or values.get("name") or ""
            self.found.setdefault(name, (values.get("content") or "").strip())
