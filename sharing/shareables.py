"""The seam: an article or a section as something to share. The one module that asks articles."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from articles import freshness
from articles import queries as articles
from articles.queries import LatestDraft as LatestDraft
from sharing.cards import Face
from sharing.models import ShareTarget


@dataclass(frozen=True)
class Label:
    """An identity to share, and what it is called."""

    page_id: int
    block_id: UUID | None
    text: str


class State(Enum):
    """Whether readers can open what a target stands for."""

    LIVE = "live"
    HIDDEN = "hidden"  # a draft, or unpublished: as if it did not exist
    GONE = "gone"  # deleted, or removed from its article


@dataclass(frozen=True)
class Shareable:
    """What a share target stands for right now."""

    target: ShareTarget
    state: State
    title: str
    description: str
    url: str  # absolute; empty unless live
    article_title: str  # of the article a section is in; empty where there is none
    article_url: str  # absolute; empty unless the article is live
    position: int = (
        0  # of a section in its article, from 1; 0 for an article, and where it was removed
    )

    @property
    def is_section(self) -> bool:
        """Tell whether this is a part of an article."""
        return self.target.block_id is not None

    @property
    def file_name(self) -> str:
        """Return a name for files about it, without an ending: the end of its address, else its code."""
        parts = unquote(urlsplit(self.url).path).strip("/").split("/")
        return "-".join(parts[-2:] if self.is_section else parts[-1:]) or self.target.code


def offers_changed() -> None:
    """Make pages that offer networks out of date."""
    freshness.touch(freshness.SETTINGS)


def card_changed(page_id: int) -> None:
    """Make the pages of an article out of date: they name its card, or that of one of its sections."""
    freshness.touch(freshness.article(page_id))


def labels_of(article: Any) -> list[Label]:
    """Return the identities of a saved article (an ArticlePage) and its sections."""
    sections = [Label(article.pk, part.block_id, part.title) for part in article.parts]
    return [Label(article.pk, None, article.title), *sections]


def faces_of(article: Any) -> dict[UUID | None, Face]:
    """Return what an article (an ArticlePage, saved or a draft) and its sections put on their cards.

    By block id, the article (None) first; a block that was never saved has no id and no card.
    """
    parts = article.parts
    faces: dict[UUID | None, Face] = {None: Face(article.title)}
    for part in parts:
        if part.block_id is not None:
            faces[part.block_id] = Face(part.short_title, article.title, part.position, len(parts))
    return faces


def published_faces(page_ids: Iterable[int]) -> dict[tuple[int, UUID | None], Face]:
    """Return the faces of the published articles among these, by (page id, block id), with one query."""
    return {
        (article.pk, block_id): face
        for article in articles.live_articles().filter(pk__in=list(page_ids))
        for block_id, face in faces_of(article).items()
    }


@dataclass(frozen=True)
class Drafted:
    """What an article's latest draft says of the article itself or of one of its sections."""

    title: str
    article_title: str
    description: str
    url: str  # absolute: where it will be once it is published; empty where that cannot be told


def drafted(target: ShareTarget) -> Drafted | None:
    """Return what the latest draft says of a target, or None where it has no such part."""
    article = draft_of(target.page_id)
    if article is None:
        return None
    url = article.get_full_url() or ""
    if target.block_id is None:
        return Drafted(article.title, article.title, article.description, url)
    for part in article.parts:
        if part.block_id == target.block_id:
            return Drafted(
                part.title,
                article.title,
                part.summary or article.description,
                article.section_url(part.slug) if url else "",
            )
    return None


def latest_drafts(page_ids: Iterable[int]) -> dict[int, LatestDraft]:
    """Return what is called what in the drafts of those articles whose draft readers do not see, by page id."""
    return articles.latest_drafts(page_ids)


def without_identity() -> Any:
    """Return the articles that have no share target: those that were never published, or posted about."""
    there = ShareTarget.objects.filter(page_id=OuterRef("pk"), block_id=None)
    return articles.all_articles().filter(~Exists(there))


def has_unpublished_changes(page_id: int) -> bool:
    """Tell whether publishing an article would change what readers see, or show it to them."""
    article = articles.articles_by_id([page_id]).get(page_id)
    return article is not None and (article.has_unpublished_changes or not article.live)


def first_published(page_id: int) -> dict[UUID | None, datetime]:
    """Return when an article (None) and its sections were first published, by block id."""
    article = articles.articles_by_id([page_id]).get(page_id)
    moments: dict[UUID | None, datetime] = {
        block_id: row.first_published_at
        for (_, block_id), row in articles.sections_by_block([page_id]).items()
    }
    if article is not None and article.first_published_at is not None:
        moments[None] = article.first_published_at
    return moments


def draft_of(page_id: int) -> Any | None:
    """Return an article as its latest draft has it (an ArticlePage), or None where there is none."""
    article = articles.articles_by_id([page_id]).get(page_id)
    return article.get_latest_revision_as_object() if article is not None else None


def shareable(target: ShareTarget, request: HttpRequest | None = None) -> Shareable:
    """Return what a target stands for."""
    return shareables([target], request)[target.pk]


def shareables(
    targets: Iterable[ShareTarget], request: HttpRequest | None = None
) -> dict[int, Shareable]:
    """Return what targets stand for, by target id, in a constant number of queries.

    The request keeps the site's addresses; without one they are looked up for each article.
    """
    targets = list(targets)
    pages = {target.page_id for target in targets}
    sections = articles.sections_by_block({t.page_id for t in targets if t.block_id is not None})
    found = articles.articles_by_id(pages)
    return {
        target.pk: _shareable(
            target,
            found.get(target.page_id),
            sections.get((target.page_id, target.block_id)) if target.block_id else None,
            request,
        )
        for target in targets
    }


def changed_last(targets: Iterable[ShareTarget]) -> dict[int, datetime]:
    """Return when the content of targets last changed, by target id, with one query; an article's is its sections'.

    Targets without a section row (an article without sections) are left out.
    """
    targets = list(targets)
    of_section: dict[tuple[int, UUID | None], datetime] = {}
    of_page: dict[int, datetime] = {}
    for page_id, block_id, moment in articles.content_changes({each.page_id for each in targets}):
        of_section[page_id, block_id] = moment
        of_page[page_id] = max(of_page.get(page_id, moment), moment)
    found = {
        target.pk: (
            of_page.get(target.page_id)
            if target.block_id is None
            else of_section.get((target.page_id, target.block_id))
        )
        for target in targets
    }
    return {pk: moment for pk, moment in found.items() if moment is not None}


def _shareable(
    target: ShareTarget, article: Any, section: Any, request: HttpRequest | None
) -> Shareable:
    if article is None:
        state = State.GONE
    elif not article.live:
        state = State.HIDDEN
    elif target.block_id is not None and (section is None or not section.live):
        state = State.GONE
    else:
        state = State.LIVE
    article_url = article.get_full_url(request) if article is not None and article.live else ""
    if state is State.LIVE:
        shown = section or article
        title = shown.title
        description = (section.summary or article.description) if section else article.description
        url = article.section_url(section.slug, request) if section else article_url
    else:
        title, description, url = target.label, "", ""
    return Shareable(
        target=target,
        state=state,
        title=title,
        description=description,
        url=url,
        article_title=article.title if article is not None and article.live else "",
        article_url=article_url,
        position=section.position if section is not None and section.removed_at is None else 0,
    )


def edit_url(target: ShareTarget) -> str:
    """Return where an editor opens what a target stands for."""
    return articles.edit_url(target.page_id, target.block_id)
