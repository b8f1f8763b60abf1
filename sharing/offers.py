"""What readers are offered now: asked once, and again when an editor has changed it."""

import logging

from django.db import DatabaseError
from django.http import HttpRequest

from articles import freshness
from sharing.offering import Offer, make_offer
from sharing.share_settings import ShareSettings

logger = logging.getLogger(__name__)

_KEPT = "_share_offer"
_memory: freshness.Memory[Offer] = freshness.Memory(1)


def current_offer() -> Offer:
    """Return what readers are offered, with at most one query that writes nothing.

    Where the database does not answer, the default: a bar is not worth a page.
    """
    try:
        return _memory.get("offer", stored_offer)
    except DatabaseError:
        logger.exception("the share settings were not read; all networks are offered")
        return make_offer(())


def stored_offer() -> Offer:
    """Return what the database says that readers are offered, with one query."""
    freshness.depends_on(freshness.SETTINGS)
    stored = ShareSettings.objects.order_by("pk").first()
    return stored.offer if stored else make_offer(())


def offer_for(request: HttpRequest | None) -> Offer:
    """Return what readers are offered; a request asks once."""
    if request is None:
        return current_offer()
    offer: Offer | None = getattr(request, _KEPT, None)
    if offer is None:
        offer = current_offer()
        use_offer(request, offer)
    return offer


def use_offer(request: HttpRequest, offer: Offer) -> None:
    """Show this offer to whatever is rendered for a request: what a preview needs."""
    setattr(request, _KEPT, offer)
