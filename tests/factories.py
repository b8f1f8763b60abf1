"""Articles for tests, in our own made-up words."""

import gc
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

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
    article = ArticlePage(
        title=title, body=body(*(blocks or (section("Why"), section("How")))), live=False, **fields
    )
    home.refresh_from_db()
    home.add_child(instance=article)
    article.save_revision()
    return _stored(article)


def add_article(
    home: HomePage, *blocks: dict[str, Any], title: str = "Sleep", **fields: Any
) -> ArticlePage:
    """Create an article and publish it as the admin does."""
    article = add_draft(home, *blocks, title=title, **fields)
    article.save_revision().publish()
    return _stored(article)


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
