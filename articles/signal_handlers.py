"""Wagtail's way in, where it saves a page without calling our `save()`."""

from typing import Any

from articles.models import ArticlePage


def page_unpublished(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Take the sections of an expired article away: Wagtail expires pages as plain `Page` objects."""
    article = instance.specific
    if isinstance(article, ArticlePage):
        article.follow_saved_state()
