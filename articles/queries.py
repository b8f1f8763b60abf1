"""All that other apps may read of articles."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from articles.models import ArticlePage, Section
from articles.models.article import ArticleQuerySet


def live_articles() -> ArticleQuerySet:
    """Return the published articles."""
    articles: ArticleQuerySet = ArticlePage.objects.live()
    return articles


def live_sections() -> QuerySet[Section]:
    """Return the sections that readers can open, with their articles.

    The article's own state is asked too: Wagtail expires a page before its rows can follow.
    """
    return Section.objects.live().filter(page__live=True).select_related("page")


def articles_by_id(page_ids: Iterable[int]) -> dict[int, ArticlePage]:
    """Return the articles that exist, published or not, by page id."""
    articles = ArticlePage.objects.defer_streamfields()
    found: dict[int, ArticlePage] = articles.in_bulk(list(page_ids))
    return found


def sections_by_block(page_ids: Iterable[int]) -> dict[tuple[int, UUID], Section]:
    """Return the section rows of these articles, removed ones too, by (page id, block id)."""
    rows = Section.objects.filter(page_id__in=list(page_ids))
    return {(row.page_id, row.block_id): row for row in rows}


def edit_url(page_id: int, block_id: UUID | None = None) -> str:
    """Return where an editor opens an article; at one section's block, where it is given."""
    editor = reverse("wagtailadmin_pages:edit", args=[page_id])
    return editor if block_id is None else f"{editor}#block-{block_id}-section"
