"""All that other apps may read of articles."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from wagtail.models import Site

from articles.models import ArticlePage, HomePage, Section
from articles.models.article import ArticleQuerySet
from articles.models.section import SectionQuerySet

# Of the article that every new site begins with (articles/starter/muscle_twitching.toml).
STARTER_SLUG = "causes-of-muscle-twitching"


@dataclass(frozen=True)
class LatestDraft:
    """What an article and its sections are called in its latest draft."""

    title: str
    sections: Mapping[
        UUID, str
    ]  # titles by block id, in order; a block that was never saved has no id
    was_published: bool  # the article, at any time


def all_articles() -> ArticleQuerySet:
    """Return the articles, published or not."""
    articles: ArticleQuerySet = ArticlePage.objects.all()
    return articles


def live_articles() -> ArticleQuerySet:
    """Return the published articles."""
    articles: ArticleQuerySet = ArticlePage.objects.live()
    return articles


def live_sections() -> SectionQuerySet:
    """Return the sections that readers can open, with their articles.

    The article's own state is asked too: Wagtail expires a page before its rows can follow.
    """
    return Section.objects.live().filter(page__live=True).select_related("page")


def sections_changed_last(number: int) -> QuerySet[Section]:
    """Return the sections that readers can open whose content changed last, the newest first."""
    return live_sections().changed_last_first().defer("page__body", "page__introduction")[:number]


def has_own_articles() -> bool:
    """Tell whether there is any article, published or not, beside the starter."""
    return bool(ArticlePage.objects.exclude(slug=STARTER_SLUG).exists())


def home_page() -> HomePage | None:
    """Return the page that articles stand under, or None on a site that has none yet."""
    site = Site.objects.filter(is_default_site=True).first()
    home: HomePage | None = (
        HomePage.objects.filter(pk=site.root_page_id).first() if site else None
    ) or HomePage.objects.order_by("path").first()
    return home


def articles_named(name: str) -> ArticleQuerySet:
    """Return the articles with this slug, published or not; a number is a page id too."""
    named = Q(slug=name)
    if name.isdecimal() and len(name) < 19:
        named |= Q(pk=int(name))
    found: ArticleQuerySet = ArticlePage.objects.filter(named)
    return found


def articles_by_id(page_ids: Iterable[int]) -> dict[int, ArticlePage]:
    """Return the articles that exist, published or not, by page id."""
    articles = ArticlePage.objects.defer_streamfields()
    found: dict[int, ArticlePage] = articles.in_bulk(list(page_ids))
    return found


def latest_drafts(page_ids: Iterable[int]) -> dict[int, LatestDraft]:
    """Return the drafts of those articles whose draft readers do not see, by page id; mostly with one query.

    Reads titles alone, for lists: to make whole articles of drafts asks the database for each of them.
    """
    rows = (
        ArticlePage.objects.filter(Q(live=False) | Q(has_unpublished_changes=True))
        .filter(pk__in=list(page_ids))
        .values_list("pk", "title", "first_published_at", "latest_revision__content")
    )
    drafts, bare = {}, []
    for pk, title, first_published_at, content in rows:
        if content is None:
            bare.append(pk)
            content = {"title": title, "body": "[]"}
        drafts[pk] = LatestDraft(
            content["title"],
            _section_titles(content["title"], json.loads(content["body"])),
            first_published_at is not None,
        )
    # Made by a program, and never saved in the editor: the article itself is the draft.
    for pk, article in ArticlePage.objects.in_bulk(bare).items() if bare else ():
        titles = _section_titles(article.title, article.body.raw_data)
        drafts[pk] = LatestDraft(article.title, titles, drafts[pk].was_published)
    return drafts


def _section_titles(article_title: str, blocks: Sequence[Mapping[str, Any]]) -> dict[UUID, str]:
    sections = [block for block in blocks if block["type"] == "section"]
    return {
        UUID(block["id"]): block["value"].get("heading") or f"Part {position} of {article_title}"
        for position, block in enumerate(sections, 1)
        if block.get("id")
    }


def sections_by_block(page_ids: Iterable[int]) -> dict[tuple[int, UUID], Section]:
    """Return the section rows of these articles, removed ones too, by (page id, block id)."""
    rows = Section.objects.filter(page_id__in=list(page_ids))
    return {(row.page_id, row.block_id): row for row in rows}


def content_changes(page_ids: Iterable[int]) -> list[tuple[int, UUID, datetime]]:
    """Return (page id, block id, when its content last changed) of sections, removed ones too, with one query."""
    rows = Section.objects.filter(page_id__in=list(page_ids)).order_by()
    return list(rows.values_list("page_id", "block_id", "changed_at"))


def edit_url(page_id: int, block_id: UUID | None = None) -> str:
    """Return where an editor opens an article; at one section's block, where it is given."""
    editor = reverse("wagtailadmin_pages:edit", args=[page_id])
    return editor if block_id is None else f"{editor}#block-{block_id}-section"
