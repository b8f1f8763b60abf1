"""What readers are offered now: one query a request, so that every process sees a change at once."""

import logging

from django.db import DatabaseError
from django.http import HttpRequest

from sharing.models import ShareSettings
from sharing.offering import Offer, make_offer

logger = logging.getLogger(__name__)

_KEPT = "_share_offer"


def current_offer() -> Offer:
    """Return what readers are offered, with one query that writes nothing.

    Where the database does not answer, the default: a bar is not worth a page.
    """
    try:
        stored = ShareSettings.objects.order_by("pk").first()
    except DatabaseError:
        logger.exception("the share settings were not read; all networks are offered")
        stored = None
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
