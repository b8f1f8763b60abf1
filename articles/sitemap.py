"""The sitemap, in parts that are made apart: publishing one article changes one of them.

A part is a range of page ids (docs/decisions/0016), so that no page ever moves from one to another. What a
part says is read when it is asked for; what the index says of each part is a row that the publishing
transaction keeps.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.query import QuerySet
from django.utils import timezone
from django.utils.encoding import iri_to_uri

from articles import freshness, queries
from articles.models import HomePage, Section, SitemapPart
from articles.models.article import ArticleQuerySet

# The index is made from this name, and each part from one of its own.
INDEX = "sitemap"
PAGES_A_PART = 50
# The protocol allows 50,000 addresses and 50 MB a file; an address has at most some 3,500 bytes.
ADDRESSES_A_FILE = 10_000


# Tuples: thousands of them are made for one answer.


class File(NamedTuple):
    """One file of the sitemap: part `number`, from 1 the `page` of it, and when the part last changed."""

    number: int
    page: int
    changed_at: datetime


class Address(NamedTuple):
    """One absolute address, and when what it shows last changed; None where that is not known."""

    url: str
    changed_at: datetime | None


def part_of(page_id: int) -> int:
    """Return the number of the part that a page is in."""
    return page_id // PAGES_A_PART


def name_of(number: int) -> str:
    """Return what the answers made from a part depend on (articles.freshness)."""
    return f"sitemap:{number}"


@transaction.atomic
def follow(*, page_id: int, gone: bool = False) -> None:
    """Bring the part of a page to the state that was saved; to be called in the same transaction."""
    number = part_of(page_id)
    _count(number)
    freshness.touch(INDEX, name_of(number), gone=gone)


def rebuild() -> int:
    """Make all parts anew from the pages that are there; return how many there are."""
    numbers = {part_of(pk) for pk in queries.live_articles().values_list("pk", flat=True)}
    numbers |= {part_of(pk) for pk in HomePage.objects.live().values_list("pk", flat=True)}
    numbers |= set(SitemapPart.objects.values_list("number", flat=True))
    for number in sorted(numbers):
        with transaction.atomic():
            _count(number)
            freshness.touch(INDEX, name_of(number))
    return len(numbers)


def files() -> Iterator[File]:
    """Yield every file that has an address in it, with one query."""
    parts = SitemapPart.objects.filter(addresses__gt=0).order_by("number")
    for number, addresses, changed_at in parts.values_list("number", "addresses", "changed_at"):
        for page in range(1, (addresses - 1) // ADDRESSES_A_FILE + 2):
            yield File(number, page, changed_at)


def addresses(*, number: int, page: int = 1) -> list[Address]:
    """Return the addresses in one file, in a constant number of queries; none where there is no such file."""
    home = queries.home_page()
    root = home.full_url if home is not None and home.live else None
    if home is None or root is None:
        return []
    begin = (page - 1) * ADDRESSES_A_FILE
    found = _addresses(number, home, root)
    return list(islice(found, begin, begin + ADDRESSES_A_FILE))


def _addresses(number: int, home: HomePage, root: str) -> Iterator[Address]:
    if part_of(home.pk) == number:
        # It shows what was published last, and a date that is wrong makes all others doubtful.
        yield Address(root, None)
    articles = _articles(number).filter(url_path__startswith=home.url_path).order_by("pk")
    sections: dict[int, list[tuple[str, datetime]]] = {}
    for page_id, slug, changed_at in (
        _sections(number)
        .order_by("page_id", "position")
        .values_list("page_id", "slug", "changed_at")
    ):
        sections.setdefault(page_id, []).append((slug, changed_at))
    for pk, url_path, published_at in articles.values_list("pk", "url_path", "last_published_at"):
        # As Wagtail makes it, without asking it for each page.
        url = root + _quoted(url_path[len(home.url_path) :])
        yield Address(url, published_at)
        for slug, changed_at in sections.get(pk, ()):
            yield Address(f"{url}{_quoted(slug)}/", changed_at)


def _count(number: int) -> None:
    """Write how many addresses a part has, and that it changed now.

    The first statement waits for whoever changes this part at the same time; the second then sees what
    that one committed (READ COMMITTED looks anew for each statement).
    """
    SitemapPart.objects.bulk_create(
        [SitemapPart(number=number, changed_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["number"],
        update_fields=["changed_at"],
    )
    homes = HomePage.objects.live().filter(**_range("pk", number))
    SitemapPart.objects.filter(number=number).update(
        addresses=_number_of(homes) + _number_of(_articles(number)) + _number_of(_sections(number))
    )


def _number_of(rows: "QuerySet[HomePage] | ArticleQuerySet | QuerySet[Section]") -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(number=Count("pk"))
    return Coalesce(Subquery(counted.values("number")), 0)


def _articles(number: int) -> ArticleQuerySet:
    articles: ArticleQuerySet = queries.live_articles().filter(**_range("pk", number))
    return articles


def _sections(number: int) -> QuerySet[Section]:
    return Section.objects.live().filter(page__live=True, **_range("page_id", number))


def _range(field: str, number: int) -> dict[str, int]:
    begin = number * PAGES_A_PART
    return {f"{field}__gte": begin, f"{field}__lt": begin + PAGES_A_PART}


def _quoted(path: str) -> str:
    return path if path.isascii() else str(iri_to_uri(path))
