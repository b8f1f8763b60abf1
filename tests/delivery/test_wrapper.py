"""A page is rendered once per published state, and everything else goes to Django untouched."""

import gzip
import threading
from collections.abc import Callable, Iterator
from typing import Any

import brotli
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connection
from django.test import override_settings
from redis import Redis

from articles import freshness
from articles.models import ArticlePage, HomePage
from healthsite.delivery import warming
from healthsite.delivery.wrapper import Delivery
from tests.factories import add_article, edit
from tests.services import cache_server

pytestmark = pytest.mark.django_db(transaction=True)


class Answered:
    """An answer as the web server would send it."""

    def __init__(self, delivery: Delivery, path: str, **environ: Any) -> None:
        said: list[Any] = []
        path, _, query = path.partition("?")
        asked = warming.environ_for(path) | {"QUERY_STRING": query} | environ
        asked = {name: value for name, value in asked.items() if value is not None}
        response: Any = delivery(
            asked, lambda status, headers, error=None: said.append((status, headers))
        )
        self.body = b"".join(response)
        if hasattr(response, "close"):
            response.close()
        self.status = int(said[0][0][:3])
        self.headers = {name.lower(): value for name, value in said[0][1]}

    @property
    def text(self) -> str:
        decode: Callable[[bytes], bytes] = {
            "br": brotli.decompress,
            "gzip": gzip.decompress,
            "identity": bytes,
        }[self.headers.get("content-encoding", "identity")]
        return decode(self.body).decode()


class Site:
    """Django, counted, with a delivery in front of it."""

    def __init__(self) -> None:
        self.rendered = 0
        self.before: Callable[[], object] = lambda: None
        self._django = get_wsgi_application()
        self.delivery = Delivery(self._application)

    def _application(self, environ: Any, start_response: Any) -> Any:
        self.rendered += 1
        self.before()
        return self._django(environ, start_response)

    def get(self, path: str, **environ: Any) -> Answered:
        return Answered(self.delivery, path, **environ)


@pytest.fixture
def site(home: HomePage) -> Iterator[Site]:
    with override_settings(SITE_URL="http://127.0.0.1:8000"):
        yield Site()


@pytest.fixture
def article(home: HomePage) -> ArticlePage:
    return add_article(home)


def path_of(article: ArticlePage) -> str:
    return f"/{article.slug}/"


def test_a_page_is_rendered_once_and_its_encodings_are_one_page(
    site: Site, article: ArticlePage
) -> None:
    pages = [
        site.get(path_of(article), HTTP_ACCEPT_ENCODING=encoding)
        for encoding in ("br", "gzip", "", "br;q=0, gzip;q=0", "br")
    ]
    assert site.rendered == 1
    assert {page.status for page in pages} == {200}
    assert {page.text for page in pages} == {pages[0].text}
    assert article.title in pages[0].text
    for page in pages:
        assert int(page.headers["content-length"]) == len(page.body)
        assert page.headers["vary"] == "Accept-Encoding"
        assert page.headers["cache-control"] == "no-cache"
        assert "set-cookie" not in page.headers
    assert len({page.headers["etag"] for page in pages}) == 3


def test_who_has_the_page_gets_304(site: Site, article: ArticlePage) -> None:
    etag = site.get(path_of(article)).headers["etag"]
    for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        page = site.get(path_of(article), HTTP_IF_NONE_MATCH=header)
        assert (page.status, page.body) == (304, b"")
        assert page.headers["etag"] == etag
        assert page.headers["cache-control"] == "no-cache"
    for header in ('"other"', "", etag.replace("-br", "-gzip"), "garbage"):
        assert site.get(path_of(article), HTTP_IF_NONE_MATCH=header).status == 200


def test_head_has_the_headers_of_get(site: Site, article: ArticlePage) -> None:
    page = site.get(path_of(article))
    head = site.get(path_of(article), REQUEST_METHOD="HEAD")
    assert (head.headers, head.body) == (page.headers, b"")
    assert site.rendered == 1


def test_a_publish_is_seen_at_once_and_drops_nothing_else(
    site: Site, home: HomePage, article: ArticlePage
) -> None:
    other = add_article(home, title="Another")
    for path in (path_of(article), path_of(other), "/"):
        site.get(path)
    article = edit(article, title="A new title")
    rendered = site.rendered
    assert "A new title" in site.get(path_of(article)).text
    assert "A new title" in site.get("/").text
    assert site.rendered == rendered + 2
    site.get(path_of(other))
    assert site.rendered == rendered + 2
    article.unpublish()
    assert site.get(path_of(article)).status == 404
    assert "A new title" not in site.get("/").text


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_COOKIE": "anything=1"},
        {"HTTP_AUTHORIZATION": "Basic x"},
        {"REQUEST_METHOD": "POST"},
        {"REQUEST_METHOD": "get"},
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": "127.0.0.1"},
        {"HTTP_HOST": "127.0.0.1:8000,evil.example"},
        {"HTTP_HOST": None},
        {"wsgi.url_scheme": "https"},
    ],
)
def test_what_not_everybody_asks_alike_is_neither_stored_nor_answered_from_the_store(
    site: Site, article: ArticlePage, environ: dict[str, str]
) -> None:
    path = path_of(article)
    site.get(path, **environ)
    site.get(path)
    assert site.rendered == 2
    site.get(path, **environ)
    assert site.rendered == 3
    assert site.get(path).status == 200
    assert site.rendered == 3


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_X_FORWARDED_HOST": "evil.example"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_X_ORIGINAL_URL": "/admin/"},
        {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
        {"HTTP_ACCEPT_LANGUAGE": "de"},
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ACCEPT": "application/json"},
        {"HTTP_RANGE": "bytes=0-10"},
        {"HTTP_IF_MODIFIED_SINCE": "Wed, 25 Nov 2099 00:00:00 GMT"},
    ],
)
def test_headers_that_are_no_part_of_the_key_change_nothing(
    site: Site, article: ArticlePage, environ: dict[str, str]
) -> None:
    odd = site.get(path_of(article), **environ)
    plain = site.get(path_of(article))
    assert (odd.status, odd.text, odd.headers) == (200, plain.text, plain.headers)
    assert "evil.example" not in plain.text
    assert site.rendered == 1


def test_tracking_makes_no_page_of_its_own_and_unknown_parameters_are_not_stored(
    site: Site, article: ArticlePage
) -> None:
    path = path_of(article)
    first = site.get(f"{path}?utm_source=evil&fbclid=1")
    assert site.get(path).headers["etag"] == first.headers["etag"]
    assert "evil" not in first.text
    assert site.rendered == 1
    for number in range(20):
        page = site.get(f"{path}?x={number}", HTTP_ACCEPT_ENCODING="gzip, br")
        assert page.headers["content-encoding"] == "gzip"
    assert site.rendered == 21
    assert len(site.delivery._store) == 1


@pytest.mark.parametrize(
    "path", ["/{}//", "//{}/", "/{}/print", "/{}/x.css", "/{};x.js", "/{}/nothing/"]
)
def test_addresses_beside_the_page_are_not_stored(
    site: Site, article: ArticlePage, path: str
) -> None:
    for _ in range(2):
        site.get(path.format(article.slug))
    assert site.rendered == 2
    assert len(site.delivery._store) == 0


def test_older_lists_are_kept_by_their_key_alone(site: Site, article: ArticlePage) -> None:
    for query in ("after=1-1", "after=nonsense", "after=", "after=1-1&after=2-2", "after=1-1&x=1"):
        site.get(f"/?{query}")
        site.get(f"/?{query}")
    assert site.rendered == 9


def test_a_page_that_changes_while_it_is_rendered_is_shown_and_not_kept(
    site: Site, article: ArticlePage
) -> None:
    site.before = lambda: freshness.touch(freshness.article(article.pk))
    assert site.get(path_of(article)).status == 200
    site.before = lambda: None
    site.get(path_of(article))
    site.get(path_of(article))
    assert site.rendered == 2


def test_many_readers_of_a_cold_page_render_it_once(site: Site, article: ArticlePage) -> None:
    all_here = threading.Event()
    site.before = lambda: all_here.wait(20)
    found: list[Answered] = []

    def reads() -> None:
        found.append(site.get(path_of(article)))
        # A thread's own, and nobody else closes it.
        connection.close()

    readers = [threading.Thread(target=reads) for _ in range(8)]
    for reader in readers:
        reader.start()
    all_here.set()
    for reader in readers:
        reader.join(20)
    assert [page.status for page in found] == [200] * 8
    assert site.rendered == 1


def test_another_process_takes_the_copy(site: Site, article: ArticlePage) -> None:
    first = site.get(path_of(article))
    other = Site()
    page = other.get(path_of(article))
    assert (page.headers, page.body) == (first.headers, first.body)
    assert other.rendered == 0
    freshness.touch(freshness.article(article.pk))
    third = Site()
    third.get(path_of(article))
    assert third.rendered == 1


def test_a_broken_copy_is_made_anew(site: Site, article: ArticlePage) -> None:
    site.get(path_of(article))
    server = Redis.from_url(f"unix://{cache_server.socket}")
    [name] = server.scan_iter("delivered:*")
    for broken in (b"", b"{}\n", b"\xff", b'{"names":["a"],"numbers":[]}\n', b"[]\n"):
        server.set(name, broken)
        other = Site()
        assert article.title in other.get(path_of(article)).text
        assert other.rendered == 1


def test_a_silent_cache_server_costs_no_page(site: Site, article: ArticlePage) -> None:
    cache_server.kill()
    assert site.get(path_of(article)).status == 200
    assert site.get(path_of(article)).status == 200
    assert site.rendered == 1


def broken() -> None:
    raise OperationalError("the database is down")


def test_without_a_database_the_last_good_page_is_shown_and_marked(
    site: Site, article: ArticlePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(article)
    site.get(path)
    freshness.touch(freshness.article(article.pk))
    with monkeypatch.context() as silent:
        silent.setattr("articles.models.ArticlePage.get_context", lambda *a, **k: broken())
        page = site.get(path)
        assert page.status == 200
        assert "stale" in page.headers["cache-status"]
        # A process that never saw it shows the copy; an address that nobody read has none.
        assert "stale" in Site().get(path).headers["cache-status"]
        cold = site.get(f"{path}print/")
        assert (cold.status, cold.headers["retry-after"]) == (503, "10")
        freshness.touch(freshness.article(article.pk), gone=True)
        assert site.get(path).status == 503
    assert "cache-status" not in site.get(path).headers


def test_a_body_without_a_length_is_refused(site: Site) -> None:
    for method in ("GET", "POST"):
        answer = site.get("/", REQUEST_METHOD=method, HTTP_TRANSFER_ENCODING="chunked")
        assert answer.status == 411
    assert site.rendered == 0


def test_changed_pages_are_warm_before_a_reader_comes(
    site: Site, article: ArticlePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Site()
    monkeypatch.setattr(warming, "_delivery", lambda: worker.delivery)
    warming.warm_changed()
    article = edit(article, title="A new title")
    assert warming.warm_changed() >= 3
    assert warming.warm_changed() == 0
    sections = [f"{path_of(article)}{part.slug}/" for part in article.parts]
    for path in ("/", path_of(article), *sections):
        assert "A new title" in site.get(path).text
    assert site.rendered == 0
