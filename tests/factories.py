"""Articles for tests, in our own made-up words."""

import gc
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from django.utils import timezone
from modelsearch import signal_handlers
from wagtail.signal_handlers import disable_reference_index_auto_update

from articles.models import ArticlePage, HomePage


def section(heading: str = "", text: str = "Some words.", **fields: Any) -> dict[str, Any]:
    """Return a section block; `id` keeps a block's identity from one edit to the next."""
    value = {
        "heading": heading,
        "slug": fields.pop("slug", ""),
        "aspect": fields.pop("aspect", ""),
        "summary": fields.pop("summary", ""),
        "body": fields.pop("body", [{"type": "text", "value": f"<p>{text}</p>"}]),
        "references": fields.pop("references", []),
    }
    block_id = fields.pop("id", None) or str(uuid4())
    assert not fields, f"a section has no {sorted(fields)}"
    return {"type": "section", "id": block_id, "value": value}


def body(*blocks: dict[str, Any]) -> str:
    """Return blocks as a StreamField takes them."""
    return json.dumps(list(blocks))


def add_draft(
    home: HomePage, *blocks: dict[str, Any], title: str = "Sleep", **fields: Any
) -> ArticlePage:
    """Create an article that is not published."""
    return _stored(_add(home, blocks, title=title, live=False, **fields))


def add_article(
    home: HomePage, *blocks: dict[str, Any], title: str = "Sleep", **fields: Any
) -> ArticlePage:
    """Create an article that readers see, in the state that publishing leaves.

    It is saved once: a draft that is saved and published costs twice as much, and most tests begin here.
    `test_an_article_of_the_tests_is_as_publishing_leaves_it` compares the two.
    """
    now = timezone.now()
    article = _add(
        home,
        blocks,
        title=title,
        live=True,
        first_published_at=now,
        last_published_at=now,
        **fields,
    )
    ArticlePage.objects.filter(pk=article.pk).update(
        live_revision=article.latest_revision, has_unpublished_changes=False
    )
    return _stored(article)


def _add(home: HomePage, blocks: tuple[dict[str, Any], ...], **fields: Any) -> ArticlePage:
    blocks = blocks or (section("Why"), section("How"))
    article = ArticlePage(body=body(*blocks), **fields)
    home.refresh_from_db()
    home.add_child(instance=article)
    with not_indexed():  # it was above, with the same words
        article.save_revision(clean=False)
    return article


@contextmanager
def not_indexed() -> Iterator[None]:
    """Save without search and the index of references, which cost as much as saving itself."""
    with (
        patch.object(signal_handlers, "insert_or_update_object_task"),
        disable_reference_index_auto_update(),
    ):
        yield


def edit(
    article: ArticlePage, *blocks: dict[str, Any], publish: bool = True, **fields: Any
) -> ArticlePage:
    """Save new blocks or fields as a draft, and publish it unless told not to."""
    draft = article.get_latest_revision_as_object()
    if blocks:
        draft.body = body(*blocks)
    for name, value in fields.items():
        setattr(draft, name, value)
    revision = draft.save_revision()
    if publish:
        revision.publish()
    return _stored(article)


def _stored(article: ArticlePage) -> ArticlePage:
    stored: ArticlePage = ArticlePage.objects.get(pk=article.pk)
    return stored


@contextmanager
def renditions_are_made() -> Iterator[None]:
    """Allow what Wagtail does where it makes renditions: it leaves files to the garbage collector."""
    # The collector then looks at what the test made, and not a third of a second long at all the rest.
    gc.freeze()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield
            gc.collect()
    finally:
        gc.unfreeze()
