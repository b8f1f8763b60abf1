"""The front page lists what is published, newest first, a page at a time."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import quote

import pytest
from django.test import Client

from articles.models import ArticlePage, HomePage
from articles.models.article import place_of
from tests.factories import add_article, add_draft, edit, section
from tests.markup import values

pytestmark = pytest.mark.django_db

# Instead of 20, so that few articles fill a page.
A_PAGE = 3
BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("articles.models.home.ARTICLES_A_PAGE", A_PAGE)


def listed(client: Client, path: str = "/") -> list[str]:
    """Return the titles that a page of the list shows."""
    answer = client.get(path)
    assert answer.status_code == 200
    return [
        unescape(found)
        for found in re.findall(r"<h3>\s*<a [^>]*>\s*([^<]*?)\s*</a>", answer.content.decode())
    ]


def next_page(client: Client, path: str) -> str | None:
    """Return the address of the page after this one."""
    found = values(client.get(path).content.decode(), "a", "href", rel="next")
    return f"/{found[0]}" if found else None


def way_back(client: Client, path: str) -> list[str]:
    """Return the links to the newest articles."""
    return values(client.get(path).content.decode(), "a", "href", rel="prev")


def add_many(home: HomePage, number: int) -> list[str]:
    """Publish articles a day apart and return their titles, newest first."""
    titles = [f"Article {n}" for n in range(number)]
    for day, title in enumerate(titles):
        article = add_article(home, section("Why"), title=title)
        moment = BEGAN + timedelta(days=day)
        ArticlePage.objects.filter(pk=article.pk).update(first_published_at=moment)
    return titles[::-1]


def test_an_empty_site_says_so_and_names_the_next_step(home: HomePage, reader: Client) -> None:
    page = reader.get("/").content.decode()
    assert "There is nothing to read here yet." in page
    assert f"/admin/pages/add/articles/articlepage/{home.pk}/" in page
    assert next_page(reader, "/") is None


def test_what_is_not_published_is_not_listed(home: HomePage, reader: Client) -> None:
    add_draft(home, title="Draft")
    unpublished = add_article(home, title="Unpublished")
    unpublished.unpublish()
    add_article(home, title="Published")
    assert listed(reader) == ["Published"]


def test_the_newest_article_comes_first_and_an_edit_does_not_move_an_old_one(
    home: HomePage, reader: Client
) -> None:
    first = add_article(home, title="First")
    add_article(home, title="Second")
    edit(first, title="First, edited")
    assert listed(reader) == ["Second", "First, edited"]


def test_each_article_is_shown_with_its_link_and_beginning(home: HomePage, reader: Client) -> None:
    add_article(home, title="Sleep", standfirst="All about sleep.")
    page = reader.get("/").content.decode()
    assert 'href="/sleep/"' in page
    assert "All about sleep." in page


def test_paging_by_key_shows_every_article_once(home: HomePage, reader: Client) -> None:
    titles = add_many(home, A_PAGE + 2)
    older = next_page(reader, "/")
    assert older is not None
    assert listed(reader) == titles[:A_PAGE]
    assert listed(reader, older) == titles[A_PAGE:]
    assert next_page(reader, older) is None
    assert way_back(reader, older) == ["/"]
    assert way_back(reader, "/") == []


def test_articles_of_one_moment_are_not_lost_between_two_pages(
    home: HomePage, reader: Client
) -> None:
    titles = add_many(home, A_PAGE + 2)
    ArticlePage.objects.update(first_published_at=BEGAN)
    older = next_page(reader, "/")
    assert older is not None
    shown = listed(reader) + listed(reader, older)
    assert len(shown) == len(titles)
    assert set(shown) == set(titles)


@pytest.mark.parametrize("microsecond", [0, 1, 123_457, 999_999])
def test_a_place_in_the_list_is_exact(microsecond: int) -> None:
    for year in (1970, 2026, 2100):
        moment = datetime(year, 11, 25, 20, 47, 16, microsecond, tzinfo=UTC)
        assert place_of(ArticlePage(pk=7, first_published_at=moment).list_key) == (moment, 7)


def test_a_new_article_does_not_shift_the_pages_that_are_being_read(
    home: HomePage, reader: Client
) -> None:
    titles = add_many(home, A_PAGE + 2)
    older = next_page(reader, "/")
    assert older is not None
    add_article(home, section("Why"), title="Just in")
    assert listed(reader, older) == titles[A_PAGE:]


def test_a_full_last_page_leads_no_further(home: HomePage, reader: Client) -> None:
    add_many(home, A_PAGE)
    assert next_page(reader, "/") is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "-",
        "--",
        "x",
        "x-1",
        "1-x",
        "1",
        "-1-1",
        "1-1-1",
        "1.5-2",
        "1e9-1",
        " 1 - 1 ",
        "nan-1",
        "inf-inf",
        "999999999999999999999-1",
        "253402300799999999-1",
        "253402300800000000-1",
        "-62135596800000000-1",
        "-62135596800000001-1",
        f"1-{2**63}",
        f"1-{2**63 - 1}",
        f"1-{-(2**63) - 1}",
        f"1-{10**400}",
        f"{'9' * 5000}-1",
        "١-١",
        "1_0-1_0",
        "\r\n",
        "'",
        '"',
        "%",
        "💤-1",
    ],
)
def test_a_key_that_is_none_is_no_server_error(key: str, home: HomePage, reader: Client) -> None:
    add_article(home)
    assert listed(reader, f"/?after={quote(key)}") in (["Sleep"], [])


@pytest.mark.parametrize("key", ["x", "-", "999999999999999999999-1", f"1-{10**400}"])
def test_a_key_that_is_none_begins_at_the_beginning(
    key: str, home: HomePage, reader: Client
) -> None:
    add_article(home)
    assert listed(reader, f"/?after={quote(key)}") == ["Sleep"]


def test_beyond_the_last_article_the_page_leads_back(home: HomePage, reader: Client) -> None:
    add_article(home)
    page = reader.get("/?after=1-1").content.decode()
    assert "There are no older articles." in page
    assert way_back(reader, "/?after=1-1") == ["/"]
    assert values(page, "meta", "content", name="robots") == ["noindex"]
    assert values(page, "link", "href", rel="canonical") == []
