"""Every address at which something is shown."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from django.conf import settings
from django.urls import reverse
from wagtail.images import get_image_model
from wagtail.models import ReferenceIndex

from articles import freshness, queries, sitemap
from articles.models import ArticlePage, Section
from articles.models.home import ARTICLES_A_PAGE
from healthsite.sitemaps import address_of

_NUMBERED = re.compile(r"(article|image|sitemap):(\d+)")


def of_names(names: Iterable[str]) -> set[str]:
    """Return the absolute addresses of what depends on names that were touched (articles.freshness).

    Names that the whole site depends on stand for none: see `is_for_all`.
    """
    found: set[str] = set()
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match is None:
            found.update(_of_name(name))
        elif match[1] == "article":
            found.update(of_articles([int(match[2])]))
        elif match[1] == "image":
            found.update(of_articles(_showing_image(int(match[2]))))
        else:
            found.add(_absolute(address_of(int(match[2]))))
    return found


def is_for_all(names: Iterable[str]) -> bool:
    """Return whether every page depends on one of these names.

    ADDRESSES is none of them: links in other pages lead on by a redirect.
    """
    return not {freshness.EVERYTHING, freshness.SETTINGS}.isdisjoint(names)


def of_articles(page_ids: Iterable[int]) -> Iterator[str]:
    """Yield the addresses at which articles, published or not, are or were shown."""
    for article in ArticlePage.objects.filter(pk__in=list(page_ids)).defer_streamfields():
        yield from of_article(article)


def of_article(article: ArticlePage, base: str | None = None) -> Iterator[str]:
    """Yield the addresses of one article: its pages, its place in the lists, the API's.

    `base` is the address that it had before.
    """
    url = base or article.full_url
    if url is None:
        return
    for path in article.get_cached_paths():
        yield url + path.lstrip("/")
    slug = unquote(url.rstrip("/").rpartition("/")[2])
    yield _absolute(reverse("api:article-detail", args=[slug]))
    for pk in Section.objects.filter(page=article).values_list("pk", flat=True):
        yield _absolute(reverse("api:section-detail", args=[pk]))
    yield from _older_lists(article)


def of_lists() -> Iterator[str]:
    """Yield the addresses that the publishing of any article changes."""
    home = queries.home_page()
    if home is not None and home.full_url:
        yield home.full_url
    for name in ("feed", "sitemap", "api:article-list"):
        yield _absolute(reverse(name))


def _older_lists(article: ArticlePage) -> Iterator[str]:
    """Yield the addresses of the front page's older lists that may show an article.

    Such a list begins behind any article, so one shows this article only if it begins behind one of the
    few before it.
    """
    home = queries.home_page()
    if home is None or not home.full_url:
        return
    before = queries.live_articles().oldest_first(after=article.list_key).defer_streamfields()
    # One more than a page shows: whether a list leads on is seen by the article behind it.
    for other in before[: ARTICLES_A_PAGE + 1]:
        yield f"{home.full_url}?after={other.list_key}"


def _of_name(name: str) -> Iterator[str]:
    if name == freshness.LISTS:
        yield from of_lists()
    elif name == sitemap.INDEX:
        yield _absolute(reverse("sitemap"))


def _showing_image(image_id: int) -> list[int]:
    image = get_image_model().objects.filter(pk=image_id).first()
    if image is None:
        return []
    references = ReferenceIndex.get_references_to(image).values_list("object_id", flat=True)
    return [int(pk) for pk in references if pk.isdecimal()]


def _absolute(path: str) -> str:
    return f"{settings.SITE_URL}{path}"
