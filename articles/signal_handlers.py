"""Wagtail's way in, where it saves a page without calling our `save()`."""

from typing import Any

from django.db import transaction

from articles import freshness, sitemap
from articles.models import ArticlePage
from articles.signals import article_deleted

# Fields of a plain page that readers see, or that decide whether they see it.
_PUBLIC_FIELDS = {"live", "slug", "title", "url_path"}


def page_unpublished(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Take the sections of an expired article away: Wagtail expires pages as plain `Page` objects.

    It tells so after its own commit. Somebody may have published again since, so the article is read anew.
    """
    with transaction.atomic():
        article = ArticlePage.objects.select_for_update().filter(pk=instance.pk).first()
        if article is not None:
            article.follow_saved_state(taken_down=not article.live)


def plain_page_saved(sender: Any, instance: Any, update_fields: Any = None, **kwargs: Any) -> None:
    """Follow what Wagtail saves without our `save()`: a page that moved, with all below it, or expired."""
    if update_fields is not None and not _PUBLIC_FIELDS.intersection(update_fields):
        return
    if instance.live:
        freshness.touch(freshness.EVERYTHING)
    else:
        freshness.touch(freshness.article(instance.pk), freshness.LISTS, gone=True)


def page_deleted(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Take a deleted page away, and the links to it."""
    freshness.touch(freshness.article(instance.pk), freshness.LISTS, gone=True)
    freshness.touch(freshness.ADDRESSES)


def picture_changed(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Follow a picture's new file, focal point or title, or its end."""
    freshness.touch(freshness.image(instance.pk))


def rendition_deleted(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Follow a picture whose smaller copies go: Wagtail's form saves a new file first, and deletes them after.

    A page that was made in between shows copies that are no longer there.
    """
    freshness.touch(freshness.image(instance.image_id))


def document_changed(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Follow a document's new file or its end: pages link to it by its name."""
    freshness.touch(freshness.ADDRESSES)


def site_changed(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Follow a site's new address or front page."""
    freshness.touch(freshness.EVERYTHING)


def article_state_saved(sender: Any, article: ArticlePage, **kwargs: Any) -> None:
    """Bring the article's part of the sitemap along, in the same transaction."""
    sitemap.follow(page_id=article.pk, gone=not article.live)


def home_saved(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Bring the front page's part of the sitemap along."""
    sitemap.follow(page_id=instance.pk, gone=not instance.live)


def listed_page_deleted(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Take a deleted page out of its part of the sitemap."""
    sitemap.follow(page_id=instance.pk, gone=True)
    if isinstance(instance, ArticlePage):
        article_deleted.send(sender=ArticlePage, page_id=instance.pk)
