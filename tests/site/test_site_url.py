"""Absolute addresses come from SITE_URL, and Wagtail's Site row follows it."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from wagtail.models import Site

from articles.models import HomePage
from tests.sharing.conftest import shared_article

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.mark.parametrize(
    ("url", "hostname", "port"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1", 8000),
        ("https://health.example.org", "health.example.org", 443),
        ("http://health.example.org", "health.example.org", 80),
        ("https://health.example.org:8443", "health.example.org", 8443),
    ],
)
def test_the_site_row_follows(
    url: str, hostname: str, port: int, home: HomePage, settings: Any
) -> None:
    settings.SITE_URL = url
    call_command("sync_site")
    site = Site.objects.get()
    assert (site.hostname, site.port, site.site_name) == (hostname, port, "Healthsite")


def test_following_twice_changes_nothing(
    home: HomePage, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sync_site")
    capsys.readouterr()
    call_command("sync_site")
    assert "was another" not in capsys.readouterr().out


def test_every_absolute_address_is_below_site_url(
    home: HomePage, settings: Any, reader: Client
) -> None:
    shared = shared_article(home)
    # An origin that Wagtail's Site row cannot express.
    settings.SITE_URL = "https://health.example.org:8443"
    call_command("sync_site")
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    article = type(shared.article).objects.get(pk=shared.article.pk)
    assert article.full_url == "https://health.example.org:8443/sleep/"
    page = reader.get("/sleep/why/").content.decode()
    assert 'href="https://health.example.org:8443/sleep/why/"' in page
    assert "127.0.0.1" not in page
    detail = reader.get("/api/v1/articles/sleep/").json()
    assert detail["url"] == "https://health.example.org:8443/sleep/"
    assert detail["sections"][0]["url"] == "https://health.example.org:8443/sleep/why/"
    target = reader.get(f"/share/{shared.code}/facebook/").headers["Location"]
    assert "https%3A%2F%2Fhealth.example.org%3A8443%2Fs%2F" in target
