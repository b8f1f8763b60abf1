"""The site's own pages: privacy, robots, the icon, and what is said when something is not there."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path

from articles.models import HomePage
from healthsite import urls, views
from sharing import urls as sharing_urls

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def _broken(request: object) -> HttpResponse:
    raise RuntimeError("broken on purpose")


urlpatterns = [path("broken/", _broken), path("api/v1/broken/", _broken), *urls.urlpatterns]
handler400, handler403 = views.bad_request, views.forbidden
handler404, handler500 = views.not_found, views.server_error


def test_the_privacy_page_says_how_shares_are_counted(home: HomePage, reader: Client) -> None:
    page = reader.get("/privacy/").content.decode().lower()
    for word in ("intent", "arrival", "cookie", "robots", "7 days"):
        assert word in page


def test_robots_may_follow_short_links_but_not_share_intents(
    home: HomePage, reader: Client
) -> None:
    answer = reader.get("/robots.txt")
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.content.decode().splitlines()
    assert "Disallow: /share/" in lines
    assert not any(line.startswith("Disallow: /s/") for line in lines)


def test_the_icon_is_found_where_browsers_guess(home: HomePage, reader: Client) -> None:
    answer = reader.get("/favicon.ico")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(".svg")


@pytest.mark.parametrize("address", ["/nothing/", "/nothing/at/all/", "/health-home/nothing/"])
def test_a_page_that_is_not_there_helps_on(address: str, home: HomePage, reader: Client) -> None:
    answer = reader.get(address)
    assert answer.status_code == 404
    page = answer.content.decode()
    assert 'href="/"' in page
    assert "<h1" in page


@pytest.mark.parametrize("address", ["/api/v1/nothing/", "/api/v1/articles/nothing/"])
def test_an_api_address_that_is_not_there_is_a_problem(
    address: str, home: HomePage, reader: Client
) -> None:
    answer = reader.get(address)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_a_missing_slash_is_added(home: HomePage, reader: Client) -> None:
    for address in ("/privacy", "/api/v1/articles"):
        answer = reader.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (301, f"{address}/")


@override_settings(ROOT_URLCONF=__name__)
def test_a_failure_is_told_calmly_and_without_a_trace(home: HomePage, reader: Client) -> None:
    reader.raise_request_exception = False
    answer = reader.get("/broken/")
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "<h1" in page
    assert "on purpose" not in page
    answer = reader.get("/api/v1/broken/")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_no_article_may_take_the_first_part_of_an_address_of_ours() -> None:
    ours = set()
    patterns: list[Any] = urls.urlpatterns
    for pattern in patterns:
        first = str(pattern.pattern).lstrip("^").partition("/")[0]
        if re.fullmatch(r"[a-z]+", first):
            ours.add(first)
    ours |= {str(pattern.pattern).partition("/")[0] for pattern in sharing_urls.urlpatterns}
    assert ours <= settings.RESERVED_ARTICLE_SLUGS
    assert settings.STATIC_URL.strip("/") in settings.RESERVED_ARTICLE_SLUGS
