"""Pages are read: any other method is refused with Allow, at every address that a reader can reach."""

from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as site_settings
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from wagtail.contrib.redirects.models import Redirect
from wagtail.documents import get_document_model

from articles.models import HomePage
from sharing import queries
from tests.conftest import READER
from tests.factories import add_article, edit, section

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

WRITING = ["POST", "PUT", "PATCH", "DELETE"]
UNKNOWN = ["TRACE", "CONNECT", "PROPFIND", "MOVE", "PURGE", "NONSENSE", "G", "GET2", "X" * 500]
WRONG_CASE = ["get", "Get", "head", "post", "options"]
READING = {"GET", "HEAD", "OPTIONS"}


@pytest.fixture
def addresses(home: HomePage) -> list[str]:
    """Return one public address of every kind, those that lead nowhere too."""
    kept = str(uuid4())
    why, gone = section("Why", id=kept), section("Gone")
    article = add_article(home, why, gone)
    edit(article, section("Wherefore", id=kept))
    code = queries.identities(article.pk)[None].code
    Redirect.objects.create(old_path="/old", redirect_page=article)
    document = get_document_model()(title="Diary")
    document.file.save("diary.txt", ContentFile(b"words"))
    document.save()
    media = site_settings.MEDIA_ROOT / "images" / "seen.txt"
    media.parent.mkdir(parents=True, exist_ok=True)
    media.write_text("seen")
    return [
        "/",
        "/sleep/",
        "/sleep",
        "/sleep/wherefore/",
        "/sleep/why/",
        "/sleep/gone/",
        "/sleep/nowhere/",
        "/nowhere/",
        "/nowhere",
        "/old/",
        "/privacy/",
        "/robots.txt",
        "/favicon.ico",
        "/healthz",
        "/metrics",
        "/readyz",
        "/media/images/seen.txt",
        "/media/nothing.png",
        "/static/healthsite/site.css",
        "/static/nothing.css",
        document.url,
        "/documents/999/x.pdf",
        "/_util/login/",
        f"/share/{code}/",
        f"/share/{code}/bluesky/",
        f"/share/{code}/mastodon/",
        "/share/nothing/",
        f"/s/{code}cl/",
        "/s/nothing/",
    ]


def ask(client: Client, method: str, path: str) -> Any:
    """Send a request with exactly this method, which Django's own client would not."""
    return client.generic("GET", path, REQUEST_METHOD=method, headers={"x-echo": "never back"})


def a_browser() -> Client:
    """Return a reader's browser for which CSRF is checked, as it is in the world."""
    return Client(
        enforce_csrf_checks=True, headers={"user-agent": READER, "host": "127.0.0.1:8000"}
    )


def allowed(answer: Any) -> set[str]:
    """Return the methods in an answer's Allow."""
    return {method.strip() for method in answer.headers["Allow"].split(",")}


@pytest.mark.parametrize("method", [*WRITING, *UNKNOWN, *WRONG_CASE])
def test_what_is_no_reading_is_refused_everywhere(method: str, addresses: list[str]) -> None:
    for path in addresses:
        answer = ask(a_browser(), method, path)
        assert answer.status_code == 405, path
        assert allowed(answer) == READING, path
        assert b"never back" not in answer.content
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_options_tells_what_is_allowed_and_nothing_else(addresses: list[str]) -> None:
    for path in addresses:
        answer = ask(a_browser(), "OPTIONS", path)
        assert answer.status_code == 204, path
        assert allowed(answer) == READING, path
        assert not answer.content
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_head_answers_as_get_does_without_the_body(addresses: list[str]) -> None:
    for path in addresses:
        get, head = ask(a_browser(), "GET", path), ask(a_browser(), "HEAD", path)
        assert head.status_code == get.status_code, path
        assert head.headers.get("Location") == get.headers.get("Location"), path
        assert head.headers.get("Content-Type") == get.headers.get("Content-Type"), path
        for answer in (get, head):
            if answer.streaming:
                b"".join(answer)


@pytest.mark.parametrize("method", [*UNKNOWN, *WRONG_CASE])
@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/pages/", "/admin/nowhere/"])
def test_the_admin_refuses_what_nobody_knows(method: str, path: str, superuser: Client) -> None:
    answer = ask(superuser, method, path)
    assert answer.status_code == 405
    assert allowed(answer) == READING | {"POST"}


@pytest.mark.parametrize("method", [*UNKNOWN, *WRONG_CASE])
def test_the_api_refuses_it_with_a_problem(method: str, home: HomePage, reader: Client) -> None:
    for path in ("/api/v1/articles/", "/api/v1/share-events/", "/api/v1/nowhere/"):
        answer = ask(reader, method, path)
        assert answer.status_code == 405, path
        assert answer.headers["Content-Type"] == "application/problem+json"
        if method != "head":
            assert answer.json()["status"] == 405
        assert allowed(answer)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_the_api_says_itself_what_a_resource_takes(
    method: str, home: HomePage, reader: Client
) -> None:
    assert allowed(ask(reader, method, "/api/v1/articles/")) == READING
    assert allowed(ask(reader, method, "/api/v1/share-events/")) == {"POST", "OPTIONS"}
    assert ask(reader, method, "/api/v1/nowhere/").status_code == 404


def test_the_admin_keeps_its_methods(home: HomePage, superuser: Client) -> None:
    assert superuser.get("/admin/api/main/pages/", {"fields": "title"}).status_code == 200
    assert superuser.get("/admin/pages/").status_code == 200
    assert superuser.post("/admin/logout/").status_code == 302


def test_the_two_public_forms_take_a_post_and_say_so(db: None) -> None:
    for path in (
        "/documents/authenticate_with_password/1/",
        "/_util/authenticate_with_password/1/1/",
    ):
        assert allowed(ask(a_browser(), "OPTIONS", path)) == READING | {"POST"}
        assert allowed(ask(a_browser(), "PUT", path)) == READING | {"POST"}
        assert ask(a_browser(), "POST", path).status_code == 403, (
            "which is for its CSRF token to say"
        )


def test_every_form_that_the_settings_name_exists() -> None:
    names = set(_names(get_resolver()))
    assert names >= site_settings.PUBLIC_FORM_VIEWS


def _names(resolver: URLResolver) -> Any:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name
        else:
            yield from (
                f"{pattern.namespace}:{name}" if pattern.namespace else name
                for name in _names(pattern)
            )
