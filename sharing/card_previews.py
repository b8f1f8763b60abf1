"""Cards in the admin: what a draft would get, beside what networks see now."""

from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.forms import Script

from sharing import card_files, card_queries, cards, shareables
from sharing.cards.content import card_digest
from sharing.models import ShareCard

SCRIPT = Script("sharing/cards_panel.js", type="module")


class State(Enum):
    """What there is to say of a draft's card."""

    UNPUBLISHED = "unpublished"  # made when it is first published
    PUBLIC = "public"  # networks see this very card
    CHANGED = "changed"  # networks see another until the draft is published
    BEING_MADE = "being_made"
    FAILED = "failed"


@dataclass(frozen=True)
class Preview:
    """The card of an article (no block id) or a section in a draft."""

    block_id: UUID | None
    title: str
    alt: str
    digest: str  # of the draft's card
    state: State
    public_url: str  # of the card that networks see; empty where there is none
    error: str
    has_words: bool

    @property
    def key(self) -> str:
        """Return the name of this card in addresses."""
        return str(self.block_id) if self.block_id else "article"


@dataclass(frozen=True)
class Trouble:
    """A card whose last attempt did not succeed."""

    label: str
    edit_url: str
    failed: bool
    error: str


def previews(draft: Any) -> list[Preview]:
    """Return the cards of a draft (an ArticlePage that was saved), the article's first."""
    design = card_queries.current_look().design.digest
    known = card_queries.cards_of(draft.pk)
    return [
        _preview(block_id, face, card_digest(face, design), known.get(block_id))
        for block_id, face in shareables.faces_of(draft).items()
    ]


def draw(draft: Any, key: str) -> tuple[str, bytes] | None:
    """Return digest and picture of one card of a draft, or None where the draft has no such part."""
    look = card_queries.current_look()
    for block_id, face in shareables.faces_of(draft).items():
        if key == (str(block_id) if block_id else "article"):
            content = cards.CardContent(face, look.design, card_queries.logo_bytes(look.logo))
            return card_digest(face, look.design.digest), cards.draw(content)
    return None


def sample(accent: str) -> bytes:
    """Return a made-up section's card in a colour (`#rrggbb`), with the logo that is chosen."""
    look = card_queries.current_look()
    face = cards.Face("The part that matters, in plain words", "An article of five parts", 2, 5)
    design = cards.Design(settings.SITE_NAME, accent)
    return cards.draw(cards.CardContent(face, design, card_queries.logo_bytes(look.logo)))


def troubles(most: int) -> list[Trouble]:
    """Return the cards whose last attempt did not succeed."""
    return [
        Trouble(
            card.target.label,
            shareables.edit_url(card.target),
            card_queries.has_failed(card),
            card_queries.trouble(card),
        )
        for card in card_queries.troubled(most)
    ]


def _preview(
    block_id: UUID | None, face: cards.Face, digest: str, card: ShareCard | None
) -> Preview:
    of = f", a section of “{face.eyebrow}”" if face.eyebrow else ""
    return Preview(
        block_id=block_id,
        title=face.title,
        alt=f"Share card of “{face.title}”{of}",
        digest=digest,
        state=_state(digest, card),
        public_url=card_files.url(card.made) if card and card.made else "",
        error=card_queries.trouble(card) if card else "",
        has_words=cards.shows_title(face.title),
    )


def _state(digest: str, card: ShareCard | None) -> State:
    if card is None:
        return State.UNPUBLISHED
    if digest == card.made:
        return State.PUBLIC
    if card_queries.has_failed(card):
        return State.FAILED
    if digest == card.wanted or not card.made:
        return State.BEING_MADE
    return State.CHANGED
