"""The API tells what is published, in shapes that other tools rely on."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.dateparse import parse_datetime
from pytest_django import Settings

from articles.models import ArticlePage, HomePage, Section
from sharing import queries
from tests.factories import add_article, add_draft, edit, section
from tests.markup import tags_of, values

pytestmark = pytest.mark.django_db

ORIGIN = "http://127.0.0.1:8000"
ARTICLES = "/api/v1/articles/"


def get(client: Client, path: str) -> Any:
    """Return what the API answers at a path."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def problem(answer: Any, status: int) -> dict[str, Any]:
    """Return a problem, checked for its shape (RFC 9457)."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["type"] == "about:blank"
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    return told


# Shapes


def test_the_list_of_an_empty_site_is_empty(home: HomePage, reader: Client) -> None:
    assert get(reader, ARTICLES) == {"next": None, "previous": None, "results": []}


def test_the_list_tells_of_each_article(home: HomePage, reader: Client) -> None:
    article = add_article(home, title="Sleep", standfirst="All about sleep.")
    told = get(reader, ARTICLES)
    assert set(told) == {"next", "previous", "results"}
    (only,) = told["results"]
    expected = {
        "id": article.pk,
        "slug": "sleep",
        "title": "Sleep",
        "url": f"{ORIGIN}/sleep/",
        "description": "All about sleep.",
        "reviewed_on": None,
    }
    assert expected.items() <= only.items()
    assert parse_datetime(only["first_published_at"]) == article.first_published_at
    assert parse_datetime(only["last_published_at"]) == article.last_published_at


def test_one_article_is_told_with_its_sections_in_page_order(
    home: HomePage, reader: Client
) -> None:
    add_article(home, section("Zebra"), section("Apple", "Some &amp; more."), section())
    article = edit(ArticlePage.objects.get(), *_reversed(ArticlePage.objects.get()))
    told = get(reader, f"{ARTICLES}sleep/")
    assert told["id"] == article.pk
    assert told["url"] == f"{ORIGIN}/sleep/"
    assert [part["slug"] for part in told["sections"]] == ["part-1", "apple", "zebra"]
    assert [part["position"] for part in told["sections"]] == [1, 2, 3]
    apple = told["sections"][1]
    row = article.sections.get(slug="apple")
    expected = {
        "id": row.pk,
        "block_id": str(row.block_id),
        "slug": "apple",
        "heading": "Apple",
        "title": "Apple",
        "text": "Some & more.",
        "url": f"{ORIGIN}/sleep/apple/",
    }
    assert expected.items() <= apple.items()
    assert told["sections"][0]["heading"] == ""
    assert told["sections"][0]["title"] == "Part 1 of Sleep"


def _reversed(article: ArticlePage) -> Iterator[dict[str, Any]]:
    return reversed([dict(block) for block in article.body.get_prep_value()])


def test_a_section_is_told_alike_by_itself(home: HomePage, reader: Client) -> None:
    add_article(home)
    for told in get(reader, f"{ARTICLES}sleep/")["sections"]:
        assert get(reader, f"/api/v1/sections/{told['id']}/") == told


def test_every_share_code_leads_to_what_it_names(home: HomePage, reader: Client) -> None:
    add_article(home)
    told = get(reader, f"{ARTICLES}sleep/")
    named = [told, *told["sections"]]
    assert len({item["share_code"] for item in named}) == 3
    for item in named:
        answer = reader.get(f"/s/{item['share_code']}cl/")
        assert answer.status_code == 302
        assert answer.headers["Location"] == item["url"]


def test_every_address_is_absolute_and_opens(home: HomePage, reader: Client, settings: Any) -> None:
    add_article(home, section("Träume"), title="Schläfrig")
    settings.SITE_URL = "https://health.example.org:8443"
    (listed,) = get(reader, ARTICLES)["results"]
    told = get(reader, f"{ARTICLES}{quote(listed['slug'])}/")
    for item in (listed, told, *told["sections"]):
        assert item["url"].startswith("https://health.example.org:8443/")
        assert item["url"].isascii()
        assert reader.get(urlsplit(item["url"]).path).status_code == 200


def test_a_description_is_there_whatever_the_editor_left_out(
    home: HomePage, reader: Client
) -> None:
    add_article(home, introduction="<p>Introduced &amp; explained.</p>")
    assert get(reader, ARTICLES)["results"][0]["description"] == "Introduced & explained."


# What is not published


def test_a_draft_is_not_told_of(home: HomePage, reader: Client) -> None:
    add_draft(home)
    assert get(reader, ARTICLES)["results"] == []
    problem(reader.get(f"{ARTICLES}sleep/"), 404)


def test_an_unpublished_article_and_its_sections_are_not_told_of(
    home: HomePage, reader: Client
) -> None:
    article = add_article(home)
    row = article.sections.get(slug="why")
    article.unpublish()
    assert get(reader, ARTICLES)["results"] == []
    problem(reader.get(f"{ARTICLES}sleep/"), 404)
    problem(reader.get(f"/api/v1/sections/{row.pk}/"), 404)


def test_an_article_that_just_expired_is_not_told_of_before_its_rows_follow(
    home: HomePage, reader: Client
) -> None:
    article = add_article(home)
    row = article.sections.get(slug="why")
    ArticlePage.objects.filter(pk=article.pk).update(live=False)
    assert Section.objects.get(pk=row.pk).live
    problem(reader.get(f"/api/v1/sections/{row.pk}/"), 404)


def test_a_removed_section_is_not_told_of(home: HomePage, reader: Client) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how)
    row = article.sections.get(slug="how")
    edit(article, why)
    assert [part["slug"] for part in get(reader, f"{ARTICLES}sleep/")["sections"]] == ["why"]
    problem(reader.get(f"/api/v1/sections/{row.pk}/"), 404)


def test_a_draft_of_a_live_article_changes_nothing(home: HomePage, reader: Client) -> None:
    article = add_article(home)
    before = [get(reader, ARTICLES), get(reader, f"{ARTICLES}sleep/")]
    edit(article, section("Secret"), title="Secret", publish=False)
    assert [get(reader, ARTICLES), get(reader, f"{ARTICLES}sleep/")] == before


# Paging


def add_many(home: HomePage, number: int, *, at_once: int = 1) -> list[int]:
    """Publish articles, `at_once` of them in each moment; return their ids."""
    ids = [add_article(home, section("Why"), title=f"Article {n}").pk for n in range(number)]
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for index, pk in enumerate(ids):
        moment = began + timedelta(days=index // at_once, microseconds=123_457)
        ArticlePage.objects.filter(pk=pk).update(first_published_at=moment)
    return ids


def walk(client: Client, path: str, direction: str) -> tuple[list[list[int]], str]:
    """Return the ids on each page from one on, and the address of the last page."""
    pages, last = [], path
    following: str | None = path
    while following:
        last = following
        told = get(client, last)
        pages.append([article["id"] for article in told["results"]])
        following = told[direction]
    return pages, last


def flat(pages: list[list[int]]) -> list[int]:
    return [pk for page in pages for pk in page]


@pytest.mark.parametrize("at_once", [1, 2, 7])
def test_walking_the_pages_meets_every_article_once(
    at_once: int, home: HomePage, reader: Client
) -> None:
    ids = add_many(home, 7, at_once=at_once)
    pages, _ = walk(reader, f"{ARTICLES}?page_size=3", "next")
    assert flat(pages) == ids[::-1]
    assert len(pages) == 3


@pytest.mark.parametrize("at_once", [1, 2, 7])
def test_the_way_back_meets_them_once_too(at_once: int, home: HomePage, reader: Client) -> None:
    add_many(home, 7, at_once=at_once)
    there, last = walk(reader, f"{ARTICLES}?page_size=3", "next")
    back, first = walk(reader, last, "previous")
    assert flat(back[::-1]) == flat(there)
    again, _ = walk(reader, first, "next")
    assert flat(again) == flat(there)


@pytest.mark.parametrize("at_once", [1, 7])
def test_a_walk_may_turn_round_on_any_page(at_once: int, home: HomePage, reader: Client) -> None:
    ids = add_many(home, 7, at_once=at_once)[::-1]
    second = get(reader, get(reader, f"{ARTICLES}?page_size=2")["next"])
    third = get(reader, second["next"])
    assert get(reader, third["previous"])["results"] == second["results"]
    assert get(reader, get(reader, third["previous"])["next"])["results"] == third["results"]
    assert [article["id"] for article in third["results"]] == ids[4:6]


def test_a_walk_goes_back_from_where_nothing_is_left(home: HomePage, reader: Client) -> None:
    ids = add_many(home, 3)[::-1]
    last = get(reader, f"{ARTICLES}?page_size=2")["next"]
    ArticlePage.objects.get(pk=ids[2]).unpublish()
    empty = get(reader, last)
    assert (empty["results"], empty["next"]) == ([], None)
    assert [article["id"] for article in get(reader, empty["previous"])["results"]] == ids[:2]


def test_a_page_is_of_limited_size(home: HomePage, reader: Client) -> None:
    add_many(home, 2)
    for size in ("0", "-1", "x", "", "1e9", "99999999999999999999", '"'):
        assert len(get(reader, f"{ARTICLES}?page_size={quote(size)}")["results"]) == 2
    assert len(get(reader, f"{ARTICLES}?page_size=1")["results"]) == 1


def cursor(**fields: str) -> str:
    """Return a cursor as the API makes one."""
    return b64encode(urlencode(fields).encode()).decode()


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "===",
        "💤",
        cursor(p="2026-01-01T00:00:00Z"),
        cursor(k=""),
        cursor(k="nonsense"),
        cursor(k="1"),
        cursor(k="1-x"),
        cursor(k="1--1"),
        cursor(k=f"1-{2**63}"),
        cursor(k=f"{10**400}-1"),
        cursor(k="253402300800000000-1"),
        cursor(k="'; DROP TABLE"),
        cursor(k="\0"),
        b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_cursor_that_is_none_is_not_found(value: str, home: HomePage, reader: Client) -> None:
    add_article(home)
    problem(reader.get(f"{ARTICLES}?cursor={quote(value)}"), 404)


@pytest.mark.parametrize(
    "value",
    ["", cursor(), cursor(r="x"), cursor(r="1"), cursor(k="0-0"), cursor(k="-1-1", r="1"),
     cursor(k=f"1-{2**63 - 1}", r="1"), cursor(k="1-0", r="x"), cursor(k="253402300799999999-1"),
     cursor(k="253402300799999999-1", r="1"), cursor(k="-62135596800000000-1")],
)  # fmt: skip
def test_a_strange_cursor_is_no_server_error(value: str, home: HomePage, reader: Client) -> None:
    add_article(home)
    assert reader.get(f"{ARTICLES}?cursor={quote(value)}").status_code in {200, 404}


# ETags


@pytest.fixture
def addresses(home: HomePage) -> list[str]:
    """Return the address of the list, of an article and of a section."""
    article = add_article(home)
    row = article.sections.get(slug="why")
    return [ARTICLES, f"{ARTICLES}sleep/", f"/api/v1/sections/{row.pk}/"]


def test_what_did_not_change_is_not_sent_again(addresses: list[str], reader: Client) -> None:
    for path in addresses:
        etag = reader.get(path).headers["ETag"]
        again = reader.get(path, headers={"if-none-match": etag})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["ETag"] == etag


def test_what_changed_is_sent(addresses: list[str], reader: Client) -> None:
    etags = [reader.get(path).headers["ETag"] for path in addresses]
    article = ArticlePage.objects.get()
    blocks = [dict(block) for block in article.body.get_prep_value()]
    blocks[0]["value"]["summary"] = "New."
    edit(article, *blocks, title="Slumber")
    for path, etag in zip(addresses, etags, strict=True):
        assert reader.get(path, headers={"if-none-match": etag}).status_code == 200


# Errors


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/articles/nonesuch/",
        "/api/v1/articles/%22/",
        "/api/v1/articles/a%2Fb/",
        "/api/v1/articles/sleep/sections/",
        "/api/v1/sections/",
        "/api/v1/sections/999999999999999999/",
        "/api/v1/sections/9999999999999999999999/",
        "/api/v1/sections/x/",
        "/api/v1/sections/-1/",
        "/api/v1/nonesuch/",
        "/api/v2/",
        "/api/",
    ],
)
def test_what_is_not_there_is_a_problem(path: str, home: HomePage, reader: Client) -> None:
    add_article(home)
    problem(reader.get(path), 404)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_what_can_only_be_read_says_so(method: str, addresses: list[str], reader: Client) -> None:
    for path in addresses:
        answer = getattr(reader, method)(
            path, data={"title": "Mine"}, content_type="application/json"
        )
        problem(answer, 405)
        assert "GET" in answer.headers["Allow"]
    assert ArticlePage.objects.get().title == "Sleep"


def test_a_request_without_what_it_needs_is_a_problem(home: HomePage, reader: Client) -> None:
    assert "?code=" in problem(reader.get("/api/v1/share-counts/"), 400)["detail"]
    answer = reader.post("/api/v1/share-events/", data={}, content_type="application/json")
    told = problem(answer, 400)
    assert set(told["errors"]) == {"event_id", "code", "channel", "class"}


def test_a_form_instead_of_json_is_a_problem(home: HomePage, reader: Client) -> None:
    problem(reader.post("/api/v1/share-events/", data={"code": "x"}), 415)


def test_a_foreign_host_is_a_problem_too(home: HomePage, reader: Client) -> None:
    problem(reader.get(ARTICLES, headers={"host": "evil.example"}), 400)


@pytest.mark.parametrize(
    "name", ["owner__password__startswith", "live", "q", "search", "ordering", "fields"]
)
def test_no_parameter_filters_by_what_is_not_told(
    name: str, home: HomePage, reader: Client
) -> None:
    add_article(home)
    add_draft(home, title="Secret")
    assert get(reader, f"{ARTICLES}?{name}=false") == get(reader, ARTICLES)


# Queries


def queries_of(client: Client, path: str) -> list[str]:
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        get(client, path)
    return [query["sql"] for query in captured]


def test_the_queries_of_the_list_do_not_grow(home: HomePage, reader: Client) -> None:
    add_article(home)
    before = queries_of(reader, ARTICLES)
    add_many(home, 24)
    assert len(get(reader, f"{ARTICLES}?page_size=100")["results"]) == 25
    for path in (ARTICLES, f"{ARTICLES}?page_size=100"):
        after = queries_of(reader, path)
        assert len(after) == len(before) <= 5, "\n".join(after)


def test_the_queries_of_one_article_do_not_grow_with_its_sections(
    home: HomePage, reader: Client
) -> None:
    measured = []
    for number in (2, 20):
        add_article(home, *[section(f"Number {n}") for n in range(number)], title=f"With {number}")
        measured.append(queries_of(reader, f"{ARTICLES}with-{number}/"))
    assert len(measured[0]) == len(measured[1]) <= 6, "\n".join(measured[1])


def test_one_section_needs_few_queries(addresses: list[str], reader: Client) -> None:
    assert len(queries_of(reader, addresses[2])) <= 5


def test_reading_asks_for_no_user_and_no_session(addresses: list[str], reader: Client) -> None:
    for path in addresses:
        assert not re.search(r"auth_user|django_session", " ".join(queries_of(reader, path)))


# The description of the API


@pytest.fixture
def schema(db: None, reader: Client) -> dict[str, Any]:
    """Return the OpenAPI document."""
    answer = reader.get("/api/v1/schema/?format=json")
    assert answer.status_code == 200
    document: dict[str, Any] = json.loads(answer.content)
    return document


def test_the_schema_is_valid_and_complete(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "schema.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file))
    assert "openapi: 3" in file.read_text()
    assert "Warning" not in capsys.readouterr().err


def test_the_schema_tells_of_every_address(schema: dict[str, Any]) -> None:
    assert set(schema["paths"]) >= {
        "/api/v1/",
        "/api/v1/articles/",
        "/api/v1/articles/{slug}/",
        "/api/v1/sections/{id}/",
        "/api/v1/share-counts/",
        "/api/v1/share-counts/{code}/",
        "/api/v1/share-events/",
    }
    assert all(path.startswith("/api/v1/") for path in schema["paths"])


def test_the_api_begins_with_its_addresses(
    schema: dict[str, Any], home: HomePage, reader: Client, settings: Settings
) -> None:
    article = add_article(home, section("Why"))
    code = queries.identities(article.pk)[None].code
    index = get(reader, "/api/v1/")
    asked = {
        "articles": {}, "article": {"slug": "sleep"}, "section": {"id": article.sections.get().pk},
        "share_counts": {"code": code}, "schema": {}, "docs": {},
    }  # fmt: skip
    for name, parts in asked.items():
        address = index[name].format(**parts)
        assert reader.get(address.removeprefix(settings.SITE_URL)).status_code == 200, address
    documented = {f"{settings.SITE_URL}{path}" for path in schema["paths"]}
    undocumented = {index[name] for name in ("schema", "docs")}
    assert set(index.values()) <= documented | undocumented
    assert problem(reader.post("/api/v1/"), 405)
    described = schema["components"]["schemas"]["Index"]["properties"]
    assert set(described) == set(index)


def test_the_schema_names_what_the_api_tells(
    schema: dict[str, Any], addresses: list[str], reader: Client
) -> None:
    operations = ["/api/v1/articles/{slug}/", "/api/v1/sections/{id}/"]
    for operation, path in zip(operations, addresses[1:], strict=True):
        answer = schema["paths"][operation]["get"]["responses"]["200"]
        name = answer["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        assert set(schema["components"]["schemas"][name]["properties"]) == set(get(reader, path))


def test_the_schema_is_answered_as_yaml_too(db: None, reader: Client) -> None:
    answer = reader.get("/api/v1/schema/")
    assert answer.status_code == 200
    assert b"openapi: 3" in answer.content


def test_the_docs_page_works_under_the_strict_policy_and_asks_nobody_else(
    db: None, reader: Client
) -> None:
    answer = reader.get("/api/v1/docs/")
    assert answer.status_code == 200
    # The directives come in any order.
    directives = answer.headers["Content-Security-Policy"].split("; ")
    assert "script-src 'self'" in directives
    page = answer.content.decode()
    asked = values(page, "script", "src") + values(page, "link", "href")
    assert len(asked) >= 4
    for address in asked:
        assert urlsplit(address).netloc in {"", "127.0.0.1:8000"}
    for name, attributes in tags_of(page):
        assert name != "style"
        assert name != "script" or "src" in attributes, "an inline script does not run here"
        assert not any(
            attribute == "style" or attribute.startswith("on") for attribute in attributes
        )


def test_the_docs_pages_script_reads_our_schema(db: None, reader: Client) -> None:
    page = reader.get("/api/v1/docs/").content.decode()
    (script,) = [src for src in values(page, "script", "src") if "/static/" not in src]
    answer = reader.get(script)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/javascript")
    code = answer.content.decode()
    assert "/api/v1/schema/" in code
    assert not re.search(r"https?://(?!127\.0\.0\.1)", code)


def test_the_next_page_is_named_on_the_public_address(
    home: HomePage, reader: Client, settings: Any
) -> None:
    add_many(home, 2)
    following = get(reader, f"{ARTICLES}?page_size=1")["next"]
    assert following.startswith(f"{ORIGIN}{ARTICLES}?")
    assert set(parse_qs(urlsplit(following).query)) == {"cursor", "page_size"}
