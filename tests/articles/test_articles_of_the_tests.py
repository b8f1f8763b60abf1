"""What most tests begin with is what editors make."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

from articles.models import ArticlePage, HomePage
from tests.factories import add_article, add_draft, section

pytestmark = pytest.mark.django_db

# What no two articles have in common, and the moments of the way that led there.
_THEIR_OWN = {
    *("id", "pk", "page_ptr", "page_ptr_id", "path", "slug", "url_path", "translation_key", "code", "number"),
    *("article", "page", "page_id", "target", "object_id", "index_entry", "latest_revision", "live_revision", "uuid"),
    *("first_published_at", "last_published_at", "latest_revision_created_at", "created_at", "changed_at"),
    *("wanted", "wanted_at", "content", "timestamp", "title_norm"),
}  # fmt: skip
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def rows() -> dict[str, dict[Any, Model]]:
    """Return every row that is there, by its table and key."""
    return {
        model._meta.label: {row.pk: row for row in model._default_manager.all()}
        for model in apps.get_models()
        # How often something was touched tells nobody anything.
        if model._meta.label != "articles.ChangedName"
    }


def made(before: dict[str, dict[Any, Model]]) -> dict[str, list[dict[str, Any]]]:
    """Return what was added, without what no two articles have in common."""
    found = {}
    for label, after in rows().items():
        added = [
            {
                # Blocks within blocks get ids when they are saved.
                field.name: _UUID.sub("an id", str(field.value_to_string(row)))
                for field in row._meta.concrete_fields
                if field.name not in _THEIR_OWN
            }
            for key, row in after.items()
            if key not in before[label]
        ]
        # Which section's row is written first is nobody's business.
        found[label] = sorted(added, key=repr)
    return {label: each for label, each in found.items() if each}


def test_an_article_of_the_tests_is_as_publishing_leaves_it(home: HomePage) -> None:
    blocks = section("Why", summary="Why we do it."), section("How")
    before = rows()
    draft = add_draft(home, *blocks, slug="published")
    draft.get_latest_revision().publish()
    published = made(before)
    before = rows()
    article = add_article(home, *blocks, slug="made")
    at_once = made(before)
    assert published.keys() == at_once.keys()
    # Only the log knows that it was a draft before.
    assert len(published.pop("wagtailcore.PageLogEntry")) == 2
    assert len(at_once.pop("wagtailcore.PageLogEntry")) == 1
    for label, each in published.items():
        assert (label, at_once[label]) == (label, each)
    stored = ArticlePage.objects.get(pk=article.pk)
    assert stored.live_revision == stored.latest_revision is not None
    assert stored.first_published_at == stored.last_published_at is not None
    # Publishing this revision again changes nothing that readers see.
    assert stored.latest_revision.as_object().body == stored.body
