"""Wagtail's way in, where it saves a page without calling our `save()`."""

from typing import Any

from django.db import transaction

from articles.models import ArticlePage


def page_unpublished(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Take the sections of an expired article away: Wagtail expires pages as plain `Page` objects.

    It tells so after its own commit. Somebody may have published again since, so the article is read anew.
    """
    with transaction.atomic():
        article = ArticlePage.objects.select_for_update().filter(pk=instance.pk).first()
        if article is not None:
            article.follow_saved_state()
