"""What is touched, moved or deleted is written down to be forgotten; nothing where no cache is in front."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from articles.models import ArticlePage
from healthsite.purging import addresses, tasks


def names_touched(sender: Any, names: Sequence[str], **kwargs: Any) -> None:
    """Write down what was touched, in the transaction that touches it."""
    if settings.WAGTAILFRONTENDCACHE:
        tasks.write_names(names)


def article_deleted(sender: Any, instance: ArticlePage, **kwargs: Any) -> None:
    """Write down every address of an article that is about to be deleted."""
    if settings.WAGTAILFRONTENDCACHE:
        tasks.write_addresses(addresses.of_article(instance))


def slug_changed(sender: Any, instance: Any, instance_before: Any, **kwargs: Any) -> None:
    """Write down every address that an article had under its old slug."""
    before = instance_before.full_url
    if settings.WAGTAILFRONTENDCACHE and isinstance(instance, ArticlePage) and before:
        tasks.write_addresses(addresses.of_article(instance, before))
