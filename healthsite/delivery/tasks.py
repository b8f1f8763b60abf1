"""Celery's way in."""

from celery import shared_task

from healthsite.delivery import warming


@shared_task(name="healthsite.warm_pages")
def warm_pages() -> None:
    """Make the pages that changed since the last sweep."""
    warming.warm_changed()
