"""All reads of share cards."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Q
from wagtail.images.models import Image

from sharing.card_models import MOST_ATTEMPTS, ShareCardSettings
from sharing.cards import Design, Face
from sharing.cards.content import card_digest
from sharing.cards.logos import LARGEST_FILE
from sharing.models import ShareCard

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """The design of all cards, and the picture that is its logo."""

    design: Design
    logo: Image | None


@dataclass(frozen=True)
class Progress:
    """How far the cards are."""

    cards: int
    waiting: int
    failed: int

    @property
    def made(self) -> int:
        """Return how many cards show what they should."""
        return self.cards - self.waiting - self.failed


def current_look() -> Look:
    """Return the look that cards should have now, with one query."""
    chosen = ShareCardSettings.objects.select_related("logo").first()
    if chosen is None:
        return Look(Design(settings.SITE_NAME), None)
    logo = chosen.logo
    # Wagtail keeps a hash of each picture's bytes; it moves when the file is replaced.
    logo_hash = (logo.file_hash or logo.file.name) if logo else ""
    return Look(Design(settings.SITE_NAME, chosen.accent, logo_hash), logo)


def logo_bytes(logo: Image | None) -> bytes | None:
    """Return the file of a logo, or None for the mark, where there is none or it is missing.

    Raises OSError where the storage fails otherwise.
    """
    if logo is None:
        return None
    try:
        with logo.file.storage.open(logo.file.name, "rb") as file:
            # One byte more than a card takes tells that it is too large.
            data: bytes = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        logger.warning("cards get the mark: the file of the logo is missing: %s", error)
        return None
    return data


def face_of(card: ShareCard) -> Face:
    """Return what a card shows."""
    return Face(card.title, card.eyebrow, card.position, card.parts)


def digest_of(card: ShareCard, design_digest: str) -> str:
    """Return the digest of a card in a look."""
    return card_digest(face_of(card), design_digest)


def made_card(target_id: int) -> str:
    """Return the digest of the picture that a target has now, or ""."""
    return (
        ShareCard.objects.filter(target_id=target_id).values_list("made", flat=True).first() or ""
    )


def made_cards(target_ids: Iterable[int]) -> dict[int, str]:
    """Return the digests of the pictures that targets have now, by target id; nothing where there is none."""
    cards = ShareCard.objects.filter(target_id__in=list(target_ids)).exclude(made="")
    return dict(cards.values_list("target_id", "made"))


def cards_of(page_id: int) -> dict[UUID | None, ShareCard]:
    """Return an article's cards by block id; None is the article."""
    cards = ShareCard.objects.filter(target__page_id=page_id).select_related("target")
    return {card.target.block_id: card for card in cards}


def progress() -> Progress:
    """Return how far all cards are from the look that was chosen."""
    design = current_look().design.digest
    failed = Q(attempts__gte=MOST_ATTEMPTS) & ~Q(made=F("wanted"))
    counts = ShareCard.objects.aggregate(
        cards=Count("pk"),
        failed=Count("pk", filter=failed & Q(design=design)),
        right=Count("pk", filter=Q(made=F("wanted"), design=design)),
    )
    return Progress(
        counts["cards"], counts["cards"] - counts["failed"] - counts["right"], counts["failed"]
    )


def troubled(most: int) -> list[ShareCard]:
    """Return cards whose last attempt did not succeed, newest wish first, with their targets."""
    cards = ShareCard.objects.unmade().filter(attempts__gt=0).select_related("target")
    return list(cards.order_by("-attempts", "-wanted_at")[:most])


def has_failed(card: ShareCard) -> bool:
    """Tell whether a card is tried no more."""
    return card.made != card.wanted and card.attempts >= MOST_ATTEMPTS


def trouble(card: ShareCard) -> str:
    """Return why a card's last attempt did not succeed, as far as it is known."""
    return card.error or "whoever drew it was stopped in the middle"
