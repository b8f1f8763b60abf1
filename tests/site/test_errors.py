"""What is said where something is refused, gone, or failed."""

import pytest
from django.test import Client
from django.test.utils import override_settings

from articles.models import HomePage
from tests.factories import add_article, edit, section
from tests.markup import values

pytestmark = pytest.mark.django_db


def assert_helps_on(page: str) -> None:
    """Check for one heading and a way to what can be read."""
    assert page.count("<h1") == 1
    assert "/" in values(page, "a", "href")
    assert values(page, "meta", "content", name="robots") == ["noindex"]


def test_what_is_not_understood_helps_on(home: HomePage, reader: Client) -> None:
    answer = reader.get("/?a=%00")
    assert answer.status_code == 400
    assert_helps_on(answer.content.decode())


def test_what_is_gone_helps_on(home: HomePage, reader: Client) -> None:
    why, how = section("Why"), section("How")
    edit(add_article(home, why, how), why)
    answer = reader.get("/sleep/how/")
    assert answer.status_code == 410
    assert_helps_on(answer.content.decode())


def test_a_form_from_elsewhere_is_refused_in_our_words(home: HomePage) -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1:8000"})
    answer = client.post("/admin/login/", {"username": "admin", "password": "secret"})
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "<h1>This page is not open to you</h1>" in page
    assert_helps_on(page)


def test_an_error_page_needs_no_database_where_the_site_is_not_set_up(
    db: None, reader: Client
) -> None:
    answer = reader.get("/nowhere/")
    assert answer.status_code == 404
    assert_helps_on(answer.content.decode())


@override_settings(DEBUG=False)
def test_a_failure_page_says_when_not_to_wait(
    home: HomePage, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken: password=secret")

    monkeypatch.setattr("articles.models.home.HomePage.get_context", broken)
    reader.raise_request_exception = False
    answer = reader.get("/")
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "secret" not in page
    assert "emergency" in page
    assert values(page, "meta", "content", name="robots") == ["noindex"]
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_failure_of_the_api_is_a_problem(
    home: HomePage, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("broken: password=secret")

    monkeypatch.setattr("articles.queries.live_articles", broken)
    reader.raise_request_exception = False
    answer = reader.get("/api/v1/articles/")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 500
    assert b"secret" not in answer.content


@override_settings(DEBUG=False)
def test_a_foreign_host_is_one_warning_without_a_traceback(
    home: HomePage, reader: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = reader.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    [record] = [each for each in caplog.records if each.name.startswith("django")]
    assert (record.name, record.levelname) == ("django.security.DisallowedHost", "WARNING")
    assert "evil.example" in record.getMessage()
    assert record.exc_info is None
    assert "Traceback" not in caplog.text
