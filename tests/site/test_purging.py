"""Caches in front are told what to forget, by workers, and no publish waits for them or fails by them."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from wagtail.images import get_image_model
from wagtail.images.tests.utils import get_test_image_file
from wagtail.models import Page

from articles import sitemap
from articles.models import ArticlePage, HomePage, Section
from healthsite.chores import actions
from healthsite.chores.models import Chore
from healthsite.purging import backends
from healthsite.purging.configured import backends as configured
from tests.factories import add_article, edit, section

SITE = "http://127.0.0.1:8000"


class _Cache(BaseHTTPRequestHandler):
    """A cache that writes down what it is asked to forget."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Cache"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        host = self.headers["Host"]
        self.server.asked.append((self.command, f"http://{host}{self.path}"))
        self.server.bodies.append((body, dict(self.headers)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    do_PURGE = do_POST = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


class Cache(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Cache)
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[tuple[bytes, dict[str, str]]] = []
        self.status = 200
        self.answer = b"ok"
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that did not wait."""

    @property
    def forgotten(self) -> set[str]:
        """Return the paths, with their queries, of all addresses that were to be forgotten."""
        assert {method for method, _ in self.asked} <= {"PURGE"}
        assert all(url.startswith(SITE) for _, url in self.asked)
        return {url.removeprefix(SITE) for _, url in self.asked}


@pytest.fixture
def cache_in_front(settings: Any) -> Iterator[Cache]:
    settings.TASKS = settings.SITE_TASKS
    cache = Cache()
    thread = threading.Thread(target=cache.serve_forever, daemon=True)
    thread.start()
    settings.WAGTAILFRONTENDCACHE = configured(urls=[cache.url], zone="", token="")
    yield cache
    cache.shutdown()
    cache.server_close()
    thread.join(10)


@pytest.fixture
def work(cache_in_front: Cache) -> Callable[[], set[str]]:
    """Return what lets workers do all that waits, and tells what the cache was then asked to forget."""

    def do() -> set[str]:
        cache_in_front.asked.clear()
        while Chore.objects.waiting().exists():
            Chore.objects.update(not_before=None)
            actions.do_due()
        return cache_in_front.forgotten

    return do


Work = Callable[[], set[str]]


@pytest.mark.django_db
def test_an_edit_has_every_address_of_the_article_forgotten(
    home: HomePage, reader: Client, work: Work
) -> None:
    why, how, gone = section("Why"), section("How"), section("Gone")
    article = add_article(home, why, how, gone)
    edit(article, why | {"value": why["value"] | {"slug": "because"}}, how)
    work()
    edit(article, why | {"value": why["value"] | {"slug": "because"}}, how, title="Sleep well")
    forgotten = work()
    ids = Section.objects.values_list("pk", flat=True)
    assert forgotten == {
        "/sleep/",
        "/sleep/print/",
        *(f"/sleep/{slug}/" for slug in ("because", "why", "how", "gone")),
        "/api/v1/articles/sleep/",
        *(f"/api/v1/sections/{pk}/" for pk in ids),
        "/",
        "/api/v1/articles/",
        "/feed.xml",
        "/sitemap.xml",
        f"/sitemap-{sitemap.part_of(article.pk)}.xml",
    }
    # None of them is made up.
    for path in forgotten - {"/sleep/gone/", "/sleep/why/"}:
        assert reader.get(path).status_code in {200, 404}, path


@pytest.mark.django_db
def test_the_older_lists_that_show_an_article_are_forgotten(
    home: HomePage, reader: Client, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("articles.models.home", "healthsite.purging.addresses"):
        monkeypatch.setattr(f"{module}.ARTICLES_A_PAGE", 2)
    articles = [add_article(home, title=f"Article {number}") for number in range(7)]
    before = {path: reader.get(path).content for path in _lists(articles)}
    work()
    edit(articles[2], section("Why"), title="Another title")
    forgotten = work()
    changed = {path for path, page in before.items() if reader.get(path).content != page}
    assert changed
    assert changed <= forgotten
    assert len(forgotten & before.keys()) < len(before)


def _lists(articles: list[ArticlePage]) -> list[str]:
    return [f"/?after={ArticlePage.objects.get(pk=article.pk).list_key}" for article in articles]


@pytest.mark.django_db(transaction=True)
def test_the_addresses_under_an_old_slug_are_forgotten(home: HomePage, work: Work) -> None:
    article = add_article(home, section("Why"), slug="schläft")
    work()
    edit(article, section("Why"), slug="rest")
    forgotten = work()
    old = {"/schl%C3%A4ft/", "/schl%C3%A4ft/print/", "/schl%C3%A4ft/why/"}
    assert old <= forgotten
    assert "/api/v1/articles/schl%C3%A4ft/" in forgotten
    assert {"/rest/", "/rest/why/", "/api/v1/articles/rest/"} <= forgotten


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["unpublish", "delete"])
def test_what_is_taken_away_is_forgotten(end: str, home: HomePage, work: Work) -> None:
    article = add_article(home, section("Why"))
    work()
    getattr(ArticlePage.objects.get(pk=article.pk), end)()
    assert {"/", "/sleep/", "/sleep/why/", "/sleep/print/", "/feed.xml"} <= work()


@pytest.mark.django_db
def test_a_draft_has_nothing_forgotten(home: HomePage, work: Work) -> None:
    article = add_article(home)
    work()
    edit(article, section("Not yet"), publish=False)
    assert work() == set()


@pytest.mark.django_db
def test_what_shows_a_changed_picture_is_forgotten(home: HomePage, work: Work) -> None:
    image = get_image_model().objects.create(title="A leg", file=get_test_image_file())
    figure = {"image": image.pk, "alt_text": "A leg", "decorative": False, "caption": ""}
    add_article(home, section("Why", body=[{"type": "image", "value": figure}]))
    add_article(home, title="Without one")
    work()
    image.title = "The leg"
    image.save()
    forgotten = work()
    assert "/sleep/why/" in forgotten
    assert "/without-one/" not in forgotten
    image.file.delete(save=False)


@pytest.mark.django_db
def test_what_changes_every_page_has_every_page_forgotten(
    home: HomePage, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("healthsite.purging.tasks._ARTICLES_AT_ONCE", 2)
    monkeypatch.setattr("healthsite.purging.tasks._AT_ONCE", 10)
    for number in range(5):
        add_article(home, section("Why"), title=f"Article {number}")
    work()
    home = HomePage.objects.get(pk=home.pk)
    home.title = "Anew"
    home.save()
    assert {"/", "/feed.xml", *(f"/article-{n}/why/" for n in range(5))} <= work()


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["down", "refuses"])
def test_a_cache_that_does_not_listen_is_told_again(
    fault: str, home: HomePage, cache_in_front: Cache, work: Work, reader: Client, settings: Any
) -> None:
    article = add_article(home)
    work()
    if fault == "down":
        settings.WAGTAILFRONTENDCACHE = configured(urls=["http://127.0.0.1:9"], zone="", token="")
    else:
        cache_in_front.status = 503
    edit(article, section("Because"))
    assert reader.get("/sleep/because/").status_code == 200
    Chore.objects.update(not_before=None)
    actions.do_due()
    waiting = Chore.objects.filter(task__contains="purging")
    assert waiting.exists()
    assert all("NotPurged" in chore.problem for chore in waiting)
    cache_in_front.status = 200
    settings.WAGTAILFRONTENDCACHE = configured(urls=[cache_in_front.url], zone="", token="")
    assert "/sleep/because/" in work()


@pytest.mark.django_db
def test_what_a_cache_does_not_have_is_forgotten_already(
    home: HomePage, cache_in_front: Cache, work: Work
) -> None:
    cache_in_front.status = 404
    add_article(home)
    assert "/sleep/" in work()
    assert not Chore.objects.exists()


@pytest.mark.django_db
def test_a_cache_that_never_answers_ends_after_a_while(
    home: HomePage, cache_in_front: Cache, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(backends, "_ANSWER_WITHIN", 0.05)
    settings.WAGTAILFRONTENDCACHE = configured(urls=["http://127.0.0.1:1"], zone="", token="")
    silent = threading.Event()
    monkeypatch.setattr(_Cache, "do_PURGE", lambda handler: silent.wait(30))
    with pytest.raises(backends.NotPurged, match="timed out"):
        backends.PurgeRequests({"LOCATION": cache_in_front.url}).purge(f"{SITE}/")
    silent.set()


@pytest.mark.django_db
def test_without_a_cache_in_front_nothing_is_written_down(home: HomePage, settings: Any) -> None:
    settings.TASKS = settings.SITE_TASKS
    assert settings.WAGTAILFRONTENDCACHE == {}
    article = add_article(home)
    edit(article, slug="rest")
    Page.objects.get(pk=article.pk).delete()
    assert not Chore.objects.filter(task__contains="purging").exists()


# Cloudflare


@pytest.fixture
def cloudflare(cache_in_front: Cache, monkeypatch: pytest.MonkeyPatch) -> backends.Cloudflare:
    monkeypatch.setattr(backends.Cloudflare, "location", cache_in_front.url)
    cache_in_front.answer = b'{"success": true}'
    return backends.Cloudflare({"ZONEID": "a/zone", "BEARER_TOKEN": "a-token"})


def test_cloudflare_is_told_thirty_addresses_at_a_time(
    cloudflare: backends.Cloudflare, cache_in_front: Cache
) -> None:
    urls = [f"{SITE}/{number}/" for number in range(65)]
    cloudflare.purge_batch(urls)
    assert {urlsplit(url).path for _, url in cache_in_front.asked} == {
        "/client/v4/zones/a%2Fzone/purge_cache"
    }
    told = [json.loads(body)["files"] for body, _ in cache_in_front.bodies]
    assert [len(some) for some in told] == [30, 30, 5]
    assert [url for some in told for url in some] == urls
    assert {headers["Authorization"] for _, headers in cache_in_front.bodies} == {"Bearer a-token"}


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, b'{"success": false, "errors": [{"message": "no such zone"}]}'),
        (200, b"<html>"),
        (200, b"[]"),
        (403, b'{"success": true}'),
        (500, b"x" * 1_000_000),
    ],
)
def test_a_refusal_of_cloudflare_is_an_error_without_the_token(
    status: int, answer: bytes, cloudflare: backends.Cloudflare, cache_in_front: Cache
) -> None:
    cache_in_front.status, cache_in_front.answer = status, answer
    with pytest.raises(backends.NotPurged) as raised:
        cloudflare.purge(f"{SITE}/")
    assert "a-token" not in str(raised.value)
    assert len(str(raised.value)) < 500


# The environment


@pytest.mark.parametrize(
    "url",
    ["varnish", "varnish:6081", "ftp://varnish", "http://", "http://varnish/path", "http://a:b@varnish",
     "http://varnish:0", "http://varnish:99999", "http://varnish?x", "http://[::1"],
)  # fmt: skip
def test_an_address_of_a_cache_that_is_none_is_refused_by_name(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PURGE_URLS"):
        configured(urls=[url], zone="", token="")


@pytest.mark.parametrize(("zone", "token"), [("zone", ""), ("", "token")])
def test_half_of_cloudflare_is_refused_by_name(zone: str, token: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="CLOUDFLARE_ZONE and CLOUDFLARE_TOKEN"):
        configured(urls=[], zone=zone, token=token)


def test_several_caches_may_be_in_front() -> None:
    found = configured(urls=["http://one:6081", "https://two/"], zone="zone", token="token")
    assert len(found) == 3
