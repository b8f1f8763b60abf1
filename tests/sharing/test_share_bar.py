"""The share bar: real links, no one told before a click, and nothing without a code."""

import re

import pytest
from django.test import Client

from sharing.networks import NETWORKS
from tests.sharing.conftest import Shared

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def page(client: Client, shared: Shared, path: str = "") -> str:
    answer = client.get(f"{shared.article.url}{path}")
    assert answer.status_code == 200
    assert not answer.cookies
    return answer.content.decode()


def test_the_article_offers_every_network_by_a_plain_link(shared: Shared, reader: Client) -> None:
    html = page(reader, shared)
    for network in NETWORKS:
        assert f'href="/share/{shared.code}/{network.slug}/"' in html
        assert network.name in html


def test_a_section_page_shares_the_section(shared: Shared, reader: Client) -> None:
    html = page(reader, shared, "why/")
    assert f'href="/share/{shared.sections["why"]}/bluesky/"' in html
    assert f'href="/share/{shared.code}/bluesky/"' not in html


def test_every_section_of_the_article_can_be_shared(shared: Shared, reader: Client) -> None:
    html = page(reader, shared)
    for code in shared.sections.values():
        assert f"/share/{code}/" in html


def test_no_number_is_baked_into_the_page(shared: Shared, reader: Client) -> None:
    assert not re.search(r"Shared (\d+ times|once)", page(reader, shared))


def test_without_javascript_a_link_leads_to_the_counts(shared: Shared, reader: Client) -> None:
    html = page(reader, shared)
    assert f'href="/share/{shared.code}/"' in html
    assert "How often was this shared?" in html


def test_nothing_is_fetched_from_anyone_else(shared: Shared, reader: Client) -> None:
    html = page(reader, shared) + page(reader, shared, "why/")
    fetched = re.findall(r'(?:src|srcset|poster|data)="([^"]+)"', html)
    fetched += re.findall(
        r'<link[^>]+rel="(?:stylesheet|icon|preload|modulepreload)"[^>]*href="([^"]+)"', html
    )
    assert fetched
    assert all(address.startswith("/") for address in fetched), fetched
    for hint in ("dns-prefetch", "preconnect", "prerender"):
        assert hint not in html
