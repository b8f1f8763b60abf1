"""The articles of the benchmarks are written past the code that publishes, and must be what it makes."""

import pytest
from django.test import Client
from django.urls import reverse
from wagtail.models import Page

from articles import queries, sitemap
from articles.models import ArticlePage, HomePage, Section, SitemapPart
from bench import articles
from sharing import actions, card_actions, shareables
from sharing.models import ShareCard, ShareTarget
from tests.factories import add_article


@pytest.fixture
def built(home: HomePage) -> list[ArticlePage]:
    """Return three articles that were built in bulk."""
    articles.fill(3)
    return list(queries.live_articles().order_by("pk"))


def test_built_articles_are_what_publishing_makes(built: list[ArticlePage]) -> None:
    rows = [
        list(model.objects.order_by("pk").values()) for model in (Section, ShareTarget, ShareCard)
    ]
    parts = list(SitemapPart.objects.values("number", "addresses"))
    assert len(rows[0]) == 3 * articles.SECTIONS

    for article in built:
        assert not article.synchronise_sections()
        actions.ensure_targets(labels=shareables.labels_of(article))
        card_actions.want_cards(page_id=article.pk, faces=shareables.faces_of(article))
    sitemap.rebuild()

    assert rows == [
        list(model.objects.order_by("pk").values()) for model in (Section, ShareTarget, ShareCard)
    ]
    assert parts == list(SitemapPart.objects.values("number", "addresses"))
    assert not any(Page.find_problems())


def test_built_articles_are_read_found_and_edited(
    built: list[ArticlePage], reader: Client, editor: Client
) -> None:
    article = built[1]
    section = article.sections.first()
    assert section is not None

    assert article.title in reader.get("/").content.decode()
    assert section.text[:80] in reader.get(f"{article.url}{section.slug}/").content.decode()
    found = ArticlePage.objects.search(article.title)
    assert article in list(found)
    edited = editor.get(reverse("wagtailadmin_pages:edit", args=[article.pk]))
    assert section.heading in edited.content.decode()


def test_a_site_goes_on_after_articles_were_built(built: list[ArticlePage], home: HomePage) -> None:
    draft = built[0].get_latest_revision_as_object()
    draft.standfirst = "Changed."
    draft.save_revision().publish()
    add_article(home)

    assert queries.live_articles().get(pk=built[0].pk).standfirst == "Changed."
    assert queries.live_articles().count() == 4
    assert not any(Page.find_problems())
