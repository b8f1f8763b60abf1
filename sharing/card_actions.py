"""All writes of share cards.

The rows are the truth. Publishing says which picture is wanted; a sweep every few seconds draws what is
wanted and not there. A picture is named after all that it is drawn from, so drawing one twice is only
work: no lock is held while drawing, and a worker may be killed anywhere.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from sharing import card_files, card_queries, cards, shareables
from sharing.card_models import CardFile, ShareCard, ShareCardQuerySet
from sharing.card_queries import Look
from sharing.models import ShareTarget
from sharing.shareables import State

logger = logging.getLogger(__name__)

# One sweep gives the worker back after this many seconds; the next goes on.
SECONDS_A_SWEEP = 2.0
# So many cards take on a new look in one transaction.
CARDS_A_BATCH = 500
# So many articles are read at once where cards do not know yet what to show.
ARTICLES_A_BATCH = 20
# From one attempt at a card to the next, which is also how long a killed worker holds a card.
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 300, 1800, 7200))
# Networks keep the address of a card that they once showed.
UNUSED_KEPT = timedelta(days=30)

_WISH = ("title", "eyebrow", "position", "parts", "design", "wanted", "wanted_at",
         "attempts", "retry_at", "error")  # fmt: skip


@transaction.atomic
def want_cards(*, page_id: int, faces: Mapping[UUID | None, cards.Face]) -> None:
    """Say what the cards of an article and its sections should show, in three statements.

    A card that is wanted as before keeps its picture. Targets must exist (`actions.ensure_targets`).
    """
    design = card_queries.current_look().design.digest
    now = timezone.now()
    changed = []
    for target in ShareTarget.objects.filter(page_id=page_id).select_related("card"):
        face = faces.get(target.block_id)
        if face is None:
            continue
        known = getattr(target, "card", None)
        card = ShareCard(target=target, wanted_at=now)
        _show(card, face, design)
        if known is None or known.wanted != card.wanted:
            changed.append(card)
    # A row that is there keeps its picture until the new one is made: `made` is not updated.
    ShareCard.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["target"], update_fields=_WISH
    )


def make_cards(*, seconds: float = SECONDS_A_SWEEP) -> int:
    """Draw cards that are wanted and not there for about this long, and return how many were made."""
    return sum(1 for _ in making_cards(seconds=seconds))


def making_cards(*, seconds: float | None = None) -> Iterator[ShareCard]:
    """Draw cards that are wanted and not there, and yield each that was made.

    Stops when none is due, after so many seconds, or when the storage fails; a card that cannot be drawn
    is noted and tried later, and keeps no other from being made.
    """
    ends = None if seconds is None else time.monotonic() + seconds
    look = card_queries.current_look()
    _read_articles(look)
    _take_on_look(look)
    if not ShareCard.objects.due(timezone.now()).exists():
        return
    try:
        logo = card_queries.logo_bytes(look.logo)
        while (ends is None or time.monotonic() < ends) and (card := _claim()):
            if card.design != look.design.digest:
                # Another look was chosen in the meantime; the next sweep begins with it.
                _give_back(card)
                return
            if _make(card, look, logo):
                yield card
    except OSError:
        # The disk or the logo's storage, not a card: nothing is wrong with what waits.
        logger.exception("cards cannot be stored; the next sweep goes on")


def read_all_anew() -> int:
    """Let all cards read their published articles again, and return how many there are.

    Repairs what a restored database or a lost media folder left, and gives a card to targets without one.
    """
    now = timezone.now()
    while targets := ShareTarget.objects.filter(card=None).order_by("pk")[:CARDS_A_BATCH]:
        rows = [ShareCard(target=target, title=target.label, wanted_at=now) for target in targets]
        ShareCard.objects.bulk_create(rows, ignore_conflicts=True)
    return ShareCard.objects.update(design="", attempts=0, retry_at=None, error="")


def try_failed_again() -> int:
    """Give cards that failed their attempts back, and return how many those are."""
    return ShareCard.objects.unmade().update(attempts=0, retry_at=None, error="")


def tidy_cards() -> int:
    """Remove files that no card has used for a month, and return how many.

    Also makes cards anew whose file is lost, and forgets cards of articles and sections that are long gone.
    """
    now = timezone.now()
    _forget_gone(now - UNUSED_KEPT)
    stored = card_files.stored()
    CardFile.objects.bulk_create(
        [CardFile(digest=digest) for digest in sorted(stored)],
        ignore_conflicts=True,
        batch_size=CARDS_A_BATCH,
    )
    _find_lost(stored)
    used = Exists(
        ShareCard.objects.filter(Q(made=OuterRef("digest")) | Q(wanted=OuterRef("digest")))
    )
    CardFile.objects.filter(used, unused_since__isnull=False).update(unused_since=None)
    CardFile.objects.filter(~used, unused_since=None).update(unused_since=now)
    removed = 0
    for file in CardFile.objects.filter(~used, unused_since__lt=now - UNUSED_KEPT):
        card_files.delete(file.digest)
        file.delete()
        # Somebody may have published the same again in this very moment.
        ShareCard.objects.filter(made=file.digest).update(made="")
        removed += 1
    return removed


# --- What cards show -----------------------------------------------------------------------------


def _show(card: ShareCard, face: cards.Face, design: str) -> None:
    card.title, card.eyebrow = face.title, face.eyebrow
    card.position, card.parts = face.position, face.parts
    card.design = design
    card.wanted = card_queries.digest_of(card, design)


def _read_articles(look: Look) -> None:
    """Let cards that do not know what to show read it from a batch of published articles."""
    unread = ShareCard.objects.filter(design="")
    pages = unread.order_by("target__page_id").values_list("target__page_id", flat=True).distinct()
    batch = list(pages[:ARTICLES_A_BATCH])
    if not batch:
        return
    with transaction.atomic():
        rows = list(_locked().filter(design="", target__page_id__in=batch).select_related("target"))
        faces = shareables.published_faces(batch)
        shown, gone = [], []
        for card in rows:
            face = faces.get((card.target.page_id, card.target.block_id))
            if face is None:
                gone.append(card.pk)
                continue
            _show(card, face, look.design.digest)
            if card.made and not card_files.exists(card.made):
                card.made = ""
            shown.append(card)
        ShareCard.objects.bulk_update(
            shown, ["title", "eyebrow", "position", "parts", "design", "wanted", "made"]
        )
        ShareCard.objects.filter(pk__in=gone).delete()


def _take_on_look(look: Look) -> None:
    """Let a batch of cards want the look that was chosen since."""
    design = look.design.digest
    other = ~Q(design=design) & ~Q(design="")
    if not ShareCard.objects.filter(other).exists():
        return
    with transaction.atomic():
        rows = list(_locked().filter(other).order_by("-wanted_at", "pk")[:CARDS_A_BATCH])
        for card in rows:
            card.design = design
            card.wanted = card_queries.digest_of(card, design)
            card.attempts, card.retry_at, card.error = 0, None, ""
        ShareCard.objects.bulk_update(
            rows, ["design", "wanted", "attempts", "retry_at", "error"], batch_size=100
        )


def _locked() -> ShareCardQuerySet:
    # Another worker's batch is passed over; SQLite has one writer at a time anyway.
    skip = connection.features.has_select_for_update_skip_locked
    rows = ShareCard.objects.all()
    return rows.select_for_update(skip_locked=True, of=("self",)) if skip else rows


# --- Making them ---------------------------------------------------------------------------------


class _CannotDraw(Exception):
    """A card that cannot be drawn, whatever the reason."""


def _claim() -> ShareCard | None:
    """Take the card that is due first, and note the attempt before anything is drawn."""
    now = timezone.now()
    with transaction.atomic():
        card = _locked().due(now).select_related("target").first()
        if card is None:
            return None
        card.retry_at = now + BACK_OFF[min(card.attempts, len(BACK_OFF) - 1)]
        card.attempts += 1
        card.save(update_fields=["attempts", "retry_at"])
    return card


def _give_back(card: ShareCard) -> None:
    """Undo a claim: nothing was tried."""
    _as_claimed(card).update(attempts=F("attempts") - 1, retry_at=None)


def _as_claimed(card: ShareCard) -> ShareCardQuerySet:
    """Return the row of a claimed card, unless something else is wanted of it by now."""
    return ShareCard.objects.filter(pk=card.pk, wanted=card.wanted, attempts__gt=0)


def _make(card: ShareCard, look: Look, logo: bytes | None) -> bool:
    """Draw and store one claimed card, and tell whether it is there; raises OSError from the storage."""
    try:
        if not card_files.exists(card.wanted):
            content = cards.CardContent(card_queries.face_of(card), look.design, logo)
            card_files.write(card.wanted, _drawn(content))
    except _CannotDraw as reason:
        _as_claimed(card).update(error=str(reason)[:300])
        return False
    except OSError:
        _give_back(card)
        raise
    with transaction.atomic():
        CardFile.objects.bulk_create([CardFile(digest=card.wanted)], ignore_conflicts=True)
        made = ShareCard.objects.filter(pk=card.pk, wanted=card.wanted)
        is_made = bool(made.update(made=card.wanted, attempts=0, retry_at=None, error=""))
        if is_made:
            shareables.card_changed(card.target.page_id)
    return is_made


def _drawn(content: cards.CardContent) -> bytes:
    try:
        return cards.draw(content)
    # A font, a picture or a title that nobody thought of must not keep the other cards waiting.
    except Exception as error:
        logger.exception("a card cannot be drawn: %r", content.face.title)
        raise _CannotDraw(f"{type(error).__name__}: {error}") from error


# --- Tidying -------------------------------------------------------------------------------------


def _forget_gone(limit: datetime) -> None:
    """Forget the cards of what readers cannot open, where nothing changed since."""
    after = 0
    while batch := list(
        ShareCard.objects.filter(pk__gt=after, wanted_at__lt=limit)
        .select_related("target")
        .order_by("pk")[:CARDS_A_BATCH]
    ):
        found = shareables.shareables([card.target for card in batch])
        gone = [card.pk for card in batch if found[card.target_id].state is not State.LIVE]
        ShareCard.objects.filter(pk__in=gone, wanted_at__lt=limit).delete()
        after = batch[-1].pk


def _find_lost(stored: set[str]) -> None:
    """Let cards be made anew whose file is not there."""
    lost = [
        (pk, page_id, made)
        for pk, page_id, made in ShareCard.objects.exclude(made="")
        .values_list("pk", "target__page_id", "made")
        .iterator()
        # Looked for again: it may have been made since the files were listed.
        if made not in stored and not card_files.exists(made)
    ]
    for pk, page_id, made in lost:
        logger.warning("the file of card %s is lost and is made anew", made)
        with transaction.atomic():
            ShareCard.objects.filter(pk=pk, made=made).update(made="", attempts=0, retry_at=None)
            shareables.card_changed(page_id)
