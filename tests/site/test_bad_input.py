"""Whatever is typed into an address or a search, the answer is never a server error."""

import json
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client
from wagtail.models import Collection
from wagtail_factories import DocumentFactory, ImageFactory

from articles.models import ArticlePage, HomePage
from healthsite.security import LONGEST_SEARCH
from sharing import actions, queries
from sharing.models import ShareCount
from tests.conftest import new_reader
from tests.factories import add_article, renditions_are_made, section

pytestmark = pytest.mark.django_db

LONG = "x" * 20_000
EVIL = {
    "a quote": '"',
    "a quote within": 'a"b',
    "a NUL": "a\0b",
    "an apostrophe": "a'b\\%",
    "FTS operators": "a AND OR NOT NEAR( * ^ : {} - +",
    "unbalanced": '((("*^',
    "a column": "title:sleep",
    "tsquery operators": "a & | ! <-> :* b",
    "only signs": "!?*",
    "only stop words": "the and of",
    "half an emoji": "\ud83d",
    "emoji, right to left": "💤\u202e",
    "new lines": "a\r\nX: 1",
    "20 kB": LONG,
    "20 kB of words": "sleep " * 3_400,
    "blanks": "   ",
}
PAGES = ["1e9", "999999999999999999999", "-1", "x", '"', "last", LONG]


def encoded(text: str) -> str:
    """Return text as it stands in an address; half a character stays half."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def get(client: Client, path: str) -> Any:
    """Return an answer that is no server error."""
    answer = client.get(path)
    assert answer.status_code < 500, f"{answer.status_code} at {path[:100]}"
    return answer


evil = pytest.mark.parametrize("text", EVIL.values(), ids=EVIL.keys())


@pytest.fixture
def article(home: HomePage) -> ArticlePage:
    """Return a published article."""
    return add_article(home, section("Why"), section("How"), title="Sleep")


@pytest.fixture
def code(article: ArticlePage) -> str:
    """Return the article's share code."""
    return queries.identities(article.pk)[None].code


# Hosts


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "127.0.0.1@evil.example", "a b",
     "127.0.0.1, evil.example", "[::", "x" * 300, "<script>"],
)  # fmt: skip
def test_a_foreign_host_is_refused(host: str, db: None) -> None:
    for path in ("/", "/sleep/", "/api/v1/articles/", "/admin/login/", "/privacy/", "/media/x"):
        answer = Client(headers={"host": host}).get(path)
        assert answer.status_code == 400
        assert b"evil" not in answer.content


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:8000, evil.example"])
def test_at_a_foreign_host_nothing_is_shared_or_counted(
    host: str, code: str, reader: Client
) -> None:
    for path in (f"/share/{code}/facebook/", f"/share/{code}/", f"/s/{code}fb/"):
        answer = reader.get(path, headers={"host": host})
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert b"evil" not in answer.content
    assert send_beacon(reader, code, host=host).status_code == 400
    assert actions.drain() == 0


FORWARDED = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-server": "evil.example",
    "x-forwarded-port": "444",
    "x-forwarded-proto": "https",
    "x-host": "evil.example",
    "x-original-url": "/admin/",
    "x-rewrite-url": "/admin/",
    "x-http-method-override": "DELETE",
    "forwarded": "host=evil.example;proto=https;for=203.0.113.1",
}


def test_nothing_forwarded_by_anybody_changes_where_a_share_leads(code: str) -> None:
    for path in (f"/share/{code}/facebook/", f"/share/{code}/email/", f"/s/{code}fb/"):
        plain = new_reader().get(path)
        answer = new_reader().get(path, headers=FORWARDED)
        assert answer.status_code == plain.status_code
        assert answer.headers["Location"] == plain.headers["Location"]
        assert "evil" not in answer.headers["Location"]


@pytest.mark.parametrize(
    "origin", ["https://127.0.0.1:8000", "http://evil.example", "https://evil.example"]
)
def test_nothing_forwarded_by_anybody_makes_an_origin_ours(
    origin: str, code: str, reader: Client
) -> None:
    answer = send_beacon(reader, code, origin=origin, **FORWARDED)
    assert answer.status_code == 403
    assert actions.drain() == 0


@pytest.mark.parametrize(
    "header",
    [
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "x-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
    ],
)
def test_an_address_that_anybody_claims_makes_no_second_visitor(
    header: str, code: str, reader: Client
) -> None:
    for number in range(4):
        reader.get(f"/share/{code}/facebook/", headers={header: f"203.0.113.{number}"})
    assert actions.drain() == 1


@pytest.mark.parametrize(
    "forwarded", ["", ",", "x" * 5000, "a\0b", "203.0.113.1, ", "203.0.113.1\r\nX: 1", "[::1"]
)
def test_an_address_that_is_none_is_counted_as_some_visitors(
    forwarded: str, code: str, reader: Client, settings: Any
) -> None:
    settings.TRUST_PROXY_HEADERS = True
    for _ in range(2):
        answer = reader.get(f"/s/{code}fb/", headers={"x-forwarded-for": forwarded})
        assert answer.status_code == 302
    assert actions.drain() == 1


def send_beacon(client: Client, code: str, **headers: str) -> Any:
    """Return the answer to a beacon that is right in itself."""
    data = {"event_id": str(uuid4()), "code": code, "channel": "copy-link", "class": "handed_over"}
    return client.post(
        "/api/v1/share-events/",
        data,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


# The counts in the API


@pytest.mark.parametrize(
    "query",
    ["target__page_id=1", "owner__password__startswith=p", "share_class=arrival", "id=1", "limit=0",
     "code__startswith=a", "target=1&target_id=1", "order_by=password", "fields=*", "expand=target"],
)  # fmt: skip
def test_no_parameter_filters_counts_by_what_is_not_told(
    query: str, code: str, reader: Client
) -> None:
    for path in (f"/api/v1/share-counts/?code={code}", f"/api/v1/share-counts/{code}/"):
        plain = reader.get(path)
        answer = reader.get(f"{path}{'&' if '?' in path else '?'}{query}")
        assert answer.status_code == 200
        assert answer.json()["results"] == plain.json()["results"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_counts_are_for_reading(method: str, code: str, reader: Client) -> None:
    for path in (f"/api/v1/share-counts/?code={code}", f"/api/v1/share-counts/{code}/"):
        answer = getattr(reader, method)(path, {"total": 1000}, content_type="application/json")
        assert answer.status_code == 405
    assert not ShareCount.objects.exists()


@evil
def test_any_text_in_a_beacon(text: str, code: str, reader: Client) -> None:
    right = {"event_id": str(uuid4()), "code": code, "channel": "copy-link", "class": "handed_over"}
    for name in (*right, "occurred_at", text):
        body = json.dumps(right | {name: text})
        answer = reader.post("/api/v1/share-events/", body, content_type="application/json")
        assert answer.status_code in {400, 404, 413}, name[:40]
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert actions.drain() == 0


def test_a_forwarded_host_is_not_believed(article: ArticlePage, reader: Client) -> None:
    answer = reader.get(
        "/sleep/", headers={"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
    )
    assert answer.status_code == 200
    assert b"evil" not in answer.content


# Readers' pages


@evil
def test_any_text_in_a_query_of_a_readers_page(
    text: str, article: ArticlePage, code: str, reader: Client
) -> None:
    for path in (
        "/",
        "/sleep/",
        "/sleep/why/",
        "/privacy/",
        "/robots.txt",
        "/favicon.ico",
        "/nowhere/",
        "/healthz",
        "/metrics",
        "/readyz",
        f"/share/{code}/",
        f"/share/{code}/bluesky/",
        f"/share/{code}/mastodon/",
        f"/s/{code}cl/",
    ):
        value = encoded(text)
        get(reader, f"{path}?after={value}&page={value}&instance={value}&url={value}&{value}=1")


@evil
def test_any_text_in_a_path(text: str, article: ArticlePage, code: str, reader: Client) -> None:
    part = encoded(text)
    for path in (
        f"/{part}",
        f"/{part}/",
        f"/sleep/{part}/",
        f"/sleep/why/{part}/",
        f"/share/{part}/",
        f"/share/{part}/bluesky/",
        f"/share/{code}/{part}/",
        f"/s/{part}/",
        f"/s/{code}{part}/",
        f"/api/v1/{part}/",
        f"/api/v1/articles/{part}/",
        f"/api/v1/sections/{part}/",
        f"/media/{part}",
        f"/static/{part}",
        f"/documents/1/{part}",
        f"/documents/{part}/x.pdf",
    ):
        answer = get(reader, path)
        assert answer.status_code in {200, 301, 302, 400, 404, 410}, path[:100]


@evil
def test_any_text_in_a_query_of_the_api(text: str, article: ArticlePage, reader: Client) -> None:
    row = article.sections.get(slug="why")
    for path, names in {
        "/api/v1/articles/": ("cursor", "page_size", "format", "q"),
        "/api/v1/articles/sleep/": ("format", "q"),
        f"/api/v1/sections/{row.pk}/": ("format", "q"),
        "/api/v1/share-counts/": ("code", "format"),
        "/api/v1/schema/": ("format", "lang", "version"),
        "/api/v1/docs/": ("lang", "version", "script"),
    }.items():
        for name in names:
            get(reader, f"{path}?{name}={encoded(text)}")


@pytest.mark.parametrize("name", ["a quote", "a NUL", "half an emoji", "new lines", "20 kB"])
def test_any_text_in_a_header(name: str, article: ArticlePage, code: str, reader: Client) -> None:
    value = EVIL[name].encode("utf-8", "surrogatepass").decode("latin-1")
    for header in (
        "user-agent", "referer", "accept", "accept-language", "accept-encoding", "if-none-match",
        "if-modified-since", "range", "origin", "cookie", "x-forwarded-for", "sec-fetch-site",
    ):  # fmt: skip
        for path in ("/sleep/", f"/share/{code}/x/"):
            assert reader.get(path, headers={header: value}).status_code < 500, (header, path)


def test_a_nul_is_refused_with_a_page_or_a_problem(article: ArticlePage, reader: Client) -> None:
    for path in ("/?after=%00", "/sle%00ep/", "/sleep/?x=a%00b", "/?%00=1"):
        answer = reader.get(path)
        assert answer.status_code == 400
        assert "<h1>The request was not understood</h1>" in answer.content.decode()
    answer = reader.get("/api/v1/articles/?cursor=%00")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "//evil.example/%2e%2e", "/%0d%0aX:%201", "/http://evil.example",
     "//sleep", "///", "/./", "/sleep//why", "/sleep/%2e%2e/", "/%2fevil.example"],
)  # fmt: skip
def test_no_path_leads_to_another_site(path: str, article: ArticlePage, reader: Client) -> None:
    answer = reader.generic("GET", path)
    assert answer.status_code < 500
    location = answer.headers.get("Location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "\n" not in location


# The admin


@pytest.fixture
def library(article: ArticlePage, publisher: Client) -> None:
    """Put an image and a document where the searches look."""
    root = Collection.get_first_root_node()
    ImageFactory(title="Sleeping cat", collection=root)
    DocumentFactory(title="Sleep diary", collection=root)
    call_command("update_index", verbosity=0)
    with renditions_are_made():
        for path in ("/admin/images/results/", "/admin/images/chooser/results/"):
            publisher.get(path)


SEARCHES = [
    "/admin/pages/search/results/?q={}",
    "/admin/pages/{home}/results/?q={}",
    "/admin/choose-page/search/?q={}",
    "/admin/images/results/?q={}",
    "/admin/images/results/?tag={}",
    "/admin/images/chooser/results/?q={}",
    "/admin/documents/results/?q={}",
    "/admin/documents/chooser/results/?q={}",
    "/admin/sections/results/?q={}",
    "/admin/campaign-links/results/?q={}",
]
LISTINGS = [
    "/admin/pages/{home}/results/?p={}",
    "/admin/pages/{home}/results/?ordering={}",
    "/admin/pages/search/results/?q=sleep&p={}",
    "/admin/images/results/?p={}",
    "/admin/images/results/?collection_id={}",
    "/admin/images/results/?ordering={}",
    "/admin/images/chooser/results/?p={}",
    "/admin/documents/results/?p={}",
    "/admin/sections/results/?p={}",
    "/admin/sections/results/?ordering={}",
    "/admin/sections/results/?aspect={}",
    "/admin/campaign-links/results/?p={}",
    "/admin/campaign-links/results/?ordering={}",
]
# The whole views, of which those above are the parts that a search replaces.
WHOLE = [
    "/admin/pages/search/?q={}",
    "/admin/pages/{home}/?q={}",
    "/admin/choose-page/?q={}",
    "/admin/images/?q={}",
    "/admin/documents/?q={}",
    "/admin/sections/?q={}",
    "/admin/campaign-links/?q={}",
    "/admin/sections/?p={}",
    "/admin/reports/aging-pages/?p={}",
    "/admin/reports/locked/?p={}",
    "/admin/pages/usage/articles/articlepage/?p={}",
]


def _filled(pattern: str, home: ArticlePage, text: str) -> str:
    return pattern.replace("{home}", str(home.pk)).replace("{}", encoded(text))


def test_a_quote_or_a_page_that_is_none_in_any_view_of_the_admin(
    home: Any, library: None, publisher: Client
) -> None:
    for pattern in WHOLE:
        for text in ('a"b', "1e9"):
            get(publisher, _filled(pattern, home, text))


def test_any_text_in_any_search_of_the_admin(home: Any, library: None, publisher: Client) -> None:
    for text in EVIL.values():
        for pattern in SEARCHES:
            get(publisher, _filled(pattern, home, text))


def test_any_page_number_or_order_of_any_listing_of_the_admin(
    home: Any, library: None, publisher: Client
) -> None:
    for text in (*PAGES, "", "-title", "title__title", "password"):
        for pattern in LISTINGS:
            get(publisher, _filled(pattern, home, text))


def test_any_page_number_of_a_readers_page(article: ArticlePage, reader: Client) -> None:
    for text in PAGES:
        for path in ("/", "/sleep/", "/api/v1/articles/"):
            for name in ("p", "page", "page_size", "after", "cursor"):
                get(reader, f"{path}?{name}={encoded(text)}")


def test_a_search_with_a_stray_quote_finds_what_it_would_without(
    article: ArticlePage, library: None, home: Any, publisher: Client
) -> None:
    found = {
        "/admin/pages/search/results/?q={}": f"/admin/pages/{article.pk}/edit/",
        "/admin/images/results/?q={}": "Sleeping cat",
        "/admin/documents/results/?q={}": "Sleep diary",
    }
    for pattern, words in found.items():
        for query in ("sleep", '"sleep', 'sleep"', "slee", 'sle"'):
            answer = publisher.get(_filled(pattern, home, query))
            assert answer.status_code == 200
            assert words in answer.content.decode(), (pattern, query)


def test_every_search_and_listing_of_these_tests_is_there(
    library: None, home: Any, publisher: Client
) -> None:
    for pattern in SEARCHES:
        assert publisher.get(_filled(pattern, home, "sleep")).status_code == 200, pattern
    for pattern in LISTINGS + WHOLE:
        assert publisher.get(_filled(pattern, home, "1")).status_code == 200, pattern


def test_a_search_as_long_as_anybody_types_is_answered(
    library: None, home: Any, publisher: Client
) -> None:
    for text in ("x" * LONGEST_SEARCH, ("a " * LONGEST_SEARCH)[:LONGEST_SEARCH], 'a" ' * 80):
        for pattern in SEARCHES:
            assert publisher.get(_filled(pattern, home, text)).status_code == 200, pattern
    assert publisher.get(f"/admin/pages/search/?q={'x' * 251}").status_code == 400


@evil
def test_any_name_and_password_at_the_login(text: str, db: None, reader: Client) -> None:
    body = "&".join(f"{name}={encoded(text)}" for name in ("username", "password", "next"))
    answer = reader.post("/admin/login/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_login_leads_to_this_site_only(path: str, superuser: Client) -> None:
    reader = Client(headers={"host": "127.0.0.1:8000"})
    answer = reader.post("/admin/login/", {"username": "admin", "password": "secret", "next": path})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/admin/"
