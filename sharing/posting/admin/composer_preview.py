"""How a post will look on each network: what is marked in its text, and the card beneath it."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import regex  # type: ignore[import-untyped]  # ships no types of its own
from django.templatetags.static import static
from django.urls import reverse

from sharing import card_files, card_queries
from sharing.networks.posting.bluesky_facets import facets
from sharing.networks.posting.contract import CardFrom, Connector
from sharing.networks.posting.lengths import links
from sharing.posting.models import SocialAccount
from sharing.posting.subjects import Standing, Subject
from sharing.posting.wording import Worded

# Nobody reads on beyond that; what is longer is cut in the preview, and refused.
_LONGEST_SHOWN = 5_000
_TAG_OR_MENTION = regex.compile(
    r"(?<![\p{L}\p{N}_/])(?:#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*|@[A-Za-z0-9_]+(?:@[\p{L}\p{N}.-]+\p{L})?)"
)
# Mastodon shows so much of an address, without its scheme.
_SHOWN_OF_LINK = 30


@dataclass(frozen=True)
class Piece:
    """A stretch of text, marked or not; `address` is the whole of a link."""

    text: str
    is_marked: bool = False
    address: str = ""


@dataclass(frozen=True)
class Card:
    """The card under a post: our own share card, or the site's picture until there is one."""

    title: str
    description: str
    host: str
    picture: str
    is_own: bool


@dataclass(frozen=True)
class Preview:
    """One account's post as its network shows it."""

    account: SocialAccount
    network_name: str
    worded: Worded
    pieces: Sequence[Piece]
    warning: str
    card: Card | None
    # What is wrong with this account's post alone.
    blocking: Sequence[str]

    @property
    def name(self) -> str:
        """Return whose post it is."""
        return self.account.name or self.account.handle

    @property
    def left(self) -> int:
        """Return how many characters are left; below 0, how many are too many."""
        return self.worded.limits.text.limit - self.worded.length.units


def preview(
    account: SocialAccount,
    connector: Connector,
    worded: Worded,
    *,
    link: str,
    warning: str,
    card: Card | None,
    told: str = "",
) -> Preview:
    """Return how a post will look; `told` is said of the text for all accounts already. A card that the network makes of a link needs the link in the text."""
    text = worded.text[:_LONGEST_SHOWN]
    has_card = connector.abilities.card is CardFrom.POST or (
        connector.abilities.card is CardFrom.PAGE and link in worded.text
    )
    return Preview(
        account,
        connector.name,
        worded,
        pieces_of(text, connector.slug, link),
        warning if connector.abilities.warnings else "",
        card if has_card else None,
        [each for each in worded.blocking if each != told],
    )


def card_of(subject: Subject) -> Card | None:
    """Return the card of an article or section; None where it is gone."""
    if subject.standing is Standing.GONE:
        return None
    picture = ""
    if subject.standing is Standing.LIVE:
        if digest := card_queries.made_card(subject.target.pk):
            picture = card_files.url(digest)
    else:
        key = str(subject.target.block_id) if subject.is_section else "article"
        picture = reverse("share_card_preview", args=[subject.target.page_id, key])
    return Card(
        subject.title,
        subject.description,
        urlsplit(subject.url).netloc,
        picture or static("healthsite/card.png"),
        is_own=bool(picture),
    )


def pieces_of(text: str, network: str, link: str) -> list[Piece]:
    """Return a text in pieces; our own link is marked also where it leads to this machine alone."""
    marks = _bluesky_marks(text) if network == "bluesky" else _fediverse_marks(text)
    at = text.find(link)
    if at >= 0 and not any(start <= at < end for start, end, _ in marks):
        marks = sorted([*marks, (at, at + len(link), True)])
    pieces, position = [], 0
    for start, end, is_link in marks:
        if start < position:
            continue
        if start > position:
            pieces.append(Piece(text[position:start]))
        words = text[start:end]
        shown = _shortened(words) if is_link and network != "bluesky" else words
        pieces.append(Piece(shown, is_marked=True, address=words if is_link else ""))
        position = end
    if position < len(text):
        pieces.append(Piece(text[position:]))
    return pieces


def _bluesky_marks(text: str) -> list[tuple[int, int, bool]]:
    # Who is mentioned is looked up when it is sent; here each handle is taken for somebody's.
    data = text.encode("utf-8", "surrogatepass")
    marks = []
    for each in facets(text.encode("utf-8", "replace").decode(), lambda handle: "did:of:somebody"):
        start, end = each["index"]["byteStart"], each["index"]["byteEnd"]
        place = len(data[:start].decode("utf-8", "replace"))
        marks.append(
            (
                place,
                place + len(data[start:end].decode("utf-8", "replace")),
                "uri" in each["features"][0],
            )
        )
    return marks


def _fediverse_marks(text: str) -> list[tuple[int, int, bool]]:
    marks = [(start, end, True) for start, end in links(text)]
    marks += [(match.start(), match.end(), False) for match in _TAG_OR_MENTION.finditer(text)]
    return sorted(marks)


def _shortened(address: str) -> str:
    words = address.partition("://")[2].removeprefix("www.")
    return words if len(words) <= _SHOWN_OF_LINK else f"{words[:_SHOWN_OF_LINK]}…"
