"""What workers do to have things forgotten (django-tasks; healthsite.chores runs them)."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone
from django_tasks import task
from wagtail.contrib.frontend_cache.utils import get_backends

from articles.models import ArticlePage
from healthsite.purging import addresses

# So many addresses, or articles, in one chore.
_AT_ONCE = 500
_ARTICLES_AT_ONCE = 10
# A cache asks again at once, and nginx may hold the old page for a second (deploy/nginx.conf.template).
_AFTER_THE_MICRO_CACHE = timedelta(seconds=2)


@task()
def purge_names(names: list[str]) -> None:
    """Have everything forgotten that depends on names that were touched."""
    for_all = addresses.is_for_all(names)
    _send_or_write([*addresses.of_names(names), *(addresses.of_lists() if for_all else ())])
    if for_all:
        purge_articles.enqueue(0)


@task()
def purge_articles(after: int) -> None:
    """Have articles forgotten, a few at a time, by their ids; leave the next ones for another chore."""
    found = ArticlePage.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    ids = list(found[:_ARTICLES_AT_ONCE])
    _send_or_write(addresses.of_articles(ids))
    if ids:
        purge_articles.enqueue(ids[-1])


@task()
def purge_addresses(urls: list[str]) -> None:
    """Have some addresses forgotten."""
    _send(urls)


def write_names(names: Iterable[str]) -> None:
    """Write down names that were touched."""
    later = purge_names.using(run_after=timezone.now() + _AFTER_THE_MICRO_CACHE)
    later.enqueue(sorted(names))


def write_addresses(urls: Iterable[str]) -> None:
    """Write down addresses to be forgotten."""
    unique = list(dict.fromkeys(urls))
    later = purge_addresses.using(run_after=timezone.now() + _AFTER_THE_MICRO_CACHE)
    for begin in range(0, len(unique), _AT_ONCE):
        later.enqueue(unique[begin : begin + _AT_ONCE])


def _send_or_write(urls: Iterable[str]) -> None:
    """Have addresses forgotten now; many of them in chores of their own."""
    unique = list(dict.fromkeys(urls))
    if len(unique) > _AT_ONCE:
        write_addresses(unique)
    else:
        _send(unique)


def _send(urls: list[str]) -> None:
    """Tell every cache in front; raises NotPurged where one does not listen."""
    if urls:
        for backend in get_backends().values():
            backend.purge_batch(urls)
