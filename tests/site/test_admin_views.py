"""What the admin shows of sections and shares."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from articles.models import HomePage
from sharing import actions
from tests.factories import add_article, add_draft, section
from tests.sharing.conftest import Shared, shared_article

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(home: HomePage) -> Shared:
    return shared_article(home)


def text(client: Client, name: str, **query: str) -> str:
    answer = client.get(reverse(name), query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_listing_shows_heading_article_and_shares_and_opens_the_block(
    shared: Shared, editor: Client, readers: Callable[[], Client]
) -> None:
    for _ in range(3):
        readers().get(f"/share/{shared.sections['why']}/bluesky/")
    actions.drain()
    page = text(editor, "sections")
    row = shared.article.sections.get(slug="why")
    assert f"/admin/pages/{shared.article.pk}/edit/#block-{row.block_id}-section" in page
    assert re.search(r"Why.*?Sleep.*?<td[^>]*> 3 </td>", page)


def test_the_listing_leaves_out_drafts_and_removed_sections(
    shared: Shared, home: HomePage, editor: Client
) -> None:
    add_draft(home, section("Unfinished business"), title="Draft")
    shared.article.sections.filter(slug="how").update(live=False)
    page = text(editor, "sections")
    assert "Why" in page
    assert "Unfinished business" not in page
    assert page.count("-section") == 1


def test_the_listing_is_searched_sorted_and_empty_in_words(shared: Shared, editor: Client) -> None:
    assert text(editor, "sections_results", q="why").count("-section") == 1
    assert text(editor, "sections_results", q='"').count("-section") == 0
    assert "No sections match" in text(editor, "sections_results", q="nonesuch")
    page = text(editor, "sections_results", ordering="-title")
    assert page.index("Why") < page.index("How")


@pytest.mark.parametrize("name", ["sections", "shares_report"])
def test_listings_cost_the_same_with_many_rows(
    name: str, home: HomePage, publisher: Client
) -> None:
    counts = []
    for number in (1, 8):
        for each in range(number):
            add_article(home, section("One"), section("Two"), title=f"T{number}-{each}")
        text(publisher, name)
        with CaptureQueriesContext(connection) as queries:
            text(publisher, name)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_report_counts_by_class_and_keeps_deleted_articles_without_a_link(
    shared: Shared, publisher: Client, readers: Callable[[], Client]
) -> None:
    readers().get(f"/share/{shared.code}/bluesky/")
    readers().get(f"/s/{shared.code}bs/")
    actions.drain()
    edit = f"/admin/pages/{shared.article.pk}/edit/"
    page = text(publisher, "shares_report")
    assert edit in page
    assert re.search(r"Sleep</a> <small> Article .*?>1</td>.*?>1</td>.*?>0</td>.*?>1</td>", page), (
        "shared, intents, handed over, arrivals"
    )
    shared.article.delete()
    page = text(publisher, "shares_report")
    assert "Sleep" in page
    assert "Article, deleted" in page
    assert edit not in page


def test_the_report_of_a_new_site_says_what_will_come(home: HomePage, publisher: Client) -> None:
    assert "Nothing was published yet" in text(publisher, "shares_report")


def test_the_editor_shows_the_articles_shares(
    shared: Shared, editor: Client, reader: Client
) -> None:
    reader.get(f"/share/{shared.sections['how']}/x/")
    actions.drain()
    page = editor.get(f"/admin/pages/{shared.article.pk}/edit/").content.decode()
    page = re.sub(r"\s+", " ", page)
    assert "<span>Whole article:</span> Sleep" in page
    cells = re.search(r"How <small>Section</small> </th>(.*?)</tr>", page)
    assert cells
    assert re.findall(r">(\d+)</td>", cells[1]) == ["1", "1", "0", "0"]


def test_the_editor_of_a_draft_says_when_shares_will_appear(home: HomePage, editor: Client) -> None:
    page = editor.get(f"/admin/pages/{add_draft(home).pk}/edit/").content.decode()
    assert "Once this article is published" in page
