"""The sitemap names what readers can open, in parts; publishing one article changes one of them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles import freshness, sitemap
from articles.models import ArticlePage, ChangedName, HomePage, Section, SitemapPart
from tests.factories import add_article, add_draft, edit, section

pytestmark = pytest.mark.django_db

SITE = "http://127.0.0.1:8000"
NS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    # So that each article is in a part of its own.
    monkeypatch.setattr(sitemap, "PAGES_A_PART", 1)


def read(client: Client, path: str, root: str) -> dict[str, str | None]:
    """Return every address in a file with its date; the file is one of this kind."""
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    tree = ET.fromstring(answer.content)  # noqa: S314 - our own
    assert tree.tag == f"{NS}{root}"
    return {entry.findtext(f"{NS}loc", ""): entry.findtext(f"{NS}lastmod") for entry in tree}


def index(client: Client) -> dict[str, str | None]:
    return read(client, "/sitemap.xml", "sitemapindex")


def all_addresses(client: Client) -> dict[str, str | None]:
    """Return every address of every file that the index names."""
    found: dict[str, str | None] = {}
    for file in index(client):
        addresses = read(client, file.removeprefix(SITE), "urlset")
        assert addresses
        assert not found.keys() & addresses.keys()
        found |= addresses
    return found


def part_path(page: Any) -> str:
    return f"/sitemap-{sitemap.part_of(page.pk)}.xml"


def test_it_names_every_page_and_section_that_readers_can_open(
    home: HomePage, reader: Client
) -> None:
    add_article(home, section("Why"), section("How"), title="Sleep")
    add_draft(home, title="Draft")
    add_article(home, title="Taken away").unpublish()
    found = all_addresses(reader)
    assert set(found) == {
        f"{SITE}{path}" for path in ("/", "/sleep/", "/sleep/why/", "/sleep/how/")
    }
    for url in found:
        assert reader.get(url.removeprefix(SITE)).status_code == 200


def test_each_section_has_the_date_of_its_own_last_change(home: HomePage, reader: Client) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how)
    long_ago = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    Section.objects.update(changed_at=long_ago)
    edit(article, why, how | {"value": how["value"] | {"summary": "Anew."}})
    found = all_addresses(reader)
    assert found[f"{SITE}/sleep/why/"] == "2026-01-02T03:04:05+00:00"
    changed = Section.objects.get(slug="how").changed_at
    assert (
        found[f"{SITE}/sleep/how/"]
        == changed.isoformat(timespec="seconds")
        != found[f"{SITE}/sleep/why/"]
    )
    published = ArticlePage.objects.get(pk=article.pk).last_published_at
    assert found[f"{SITE}/sleep/"] == published.isoformat(timespec="seconds")
    assert found[f"{SITE}/"] is None


def test_publishing_one_article_changes_one_part(home: HomePage, reader: Client) -> None:
    first = add_article(home, title="First")
    add_article(home, title="Second")
    long_ago = timezone.now() - timedelta(days=300)
    SitemapPart.objects.update(changed_at=long_ago)
    ChangedName.objects.all().delete()
    edit(first, section("Because"))
    changed = SitemapPart.objects.filter(changed_at__gt=long_ago)
    assert [part.number for part in changed] == [sitemap.part_of(first.pk)]
    touched = set(ChangedName.objects.values_list("name", flat=True))
    assert {name for name in touched if name.startswith("sitemap")} == {
        "sitemap",
        sitemap.name_of(sitemap.part_of(first.pk)),
    }
    dates = index(reader)
    assert len({dates[f"{SITE}{part_path(page)}"] for page in (home, first)}) == 2


def test_a_draft_of_a_published_article_changes_none(home: HomePage) -> None:
    article = add_article(home)
    ChangedName.objects.all().delete()
    before = list(SitemapPart.objects.values_list())
    edit(article, section("Not yet"), publish=False)
    assert list(SitemapPart.objects.values_list()) == before
    assert not ChangedName.objects.exists()


@pytest.mark.parametrize("end", ["unpublish", "delete"])
def test_a_part_without_anything_published_is_gone(
    end: str, home: HomePage, reader: Client
) -> None:
    article = add_article(home)
    path = part_path(article)
    assert reader.get(path).status_code == 200
    getattr(article, end)()
    assert f"{SITE}{path}" not in index(reader)
    assert reader.get(path).status_code == 404
    assert SitemapPart.objects.get(number=sitemap.part_of(article.pk)).addresses == 0


def test_a_deleted_front_page_takes_everything_along(home: HomePage, reader: Client) -> None:
    add_article(home)
    HomePage.objects.get(pk=home.pk).delete()
    assert index(reader) == {}


def test_a_removed_section_is_no_longer_named(home: HomePage, reader: Client) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how)
    edit(article, why)
    assert f"{SITE}/sleep/how/" not in all_addresses(reader)
    assert SitemapPart.objects.get(number=sitemap.part_of(article.pk)).addresses == 2


def test_addresses_are_escaped_as_xml_and_as_addresses(home: HomePage, reader: Client) -> None:
    add_article(
        home, section("Warum schläft man?", slug="schläfrig"), title="Schlaf", slug="schläft"
    )
    assert f"{SITE}/schl%C3%A4ft/schl%C3%A4frig/" in all_addresses(reader)


def test_a_part_of_very_many_addresses_has_more_than_one_file(
    home: HomePage, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemap, "ADDRESSES_A_FILE", 3)
    article = add_article(home, *(section(f"Number {n}") for n in range(6)))
    number = sitemap.part_of(article.pk)
    names = [name for name in index(reader) if f"-{number}" in name]
    assert names == [f"{SITE}/sitemap-{number}{page}.xml" for page in ("", "-2", "-3")]
    assert len(all_addresses(reader)) == 8
    assert reader.get(f"/sitemap-{number}-4.xml").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/sitemap-999999.xml",
        "/sitemap-999999999999999.xml",
        "/sitemap-99999999999999999999.xml",
        f"/sitemap-{'9' * 1500}.xml",
        "/sitemap-0-2.xml",
        "/sitemap-0-999999.xml",
        "/sitemap-007.xml",
        "/sitemap-1-1.xml",
        "/sitemap--1.xml",
        "/sitemap-x.xml",
        "/sitemap-.xml",
        "/sitemap.xml/",
        "/sitemap-١.xml",
    ],
)
def test_a_file_that_is_none_is_not_found(path: str, home: HomePage, reader: Client) -> None:
    assert reader.get(path).status_code == 404


def test_robots_are_told_where_it_is(db: None, reader: Client) -> None:
    assert f"Sitemap: {SITE}/sitemap.xml" in reader.get("/robots.txt").content.decode().splitlines()


def test_a_site_without_a_page_has_an_empty_one(db: None, reader: Client) -> None:
    assert index(reader) == {}


def test_its_parts_can_be_made_anew(home: HomePage) -> None:
    for title in ("First", "Second"):
        add_article(home, title=title)
    gone = add_article(home, title="Third")
    before = set(SitemapPart.objects.values_list("number", "addresses"))
    SitemapPart.objects.all().delete()
    SitemapPart.objects.create(number=gone.pk + 1000, addresses=9, changed_at=timezone.now())
    sitemap.rebuild()
    assert set(SitemapPart.objects.filter(addresses__gt=0).values_list("number", "addresses")) == (
        before
    )


def test_its_queries_do_not_grow(
    home: HomePage, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemap, "PAGES_A_PART", 1_000_000)

    def queries(path: str) -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert reader.get(path).status_code == 200
        return len(captured)

    add_article(home, section("Why"))
    paths = ("/sitemap.xml", "/sitemap-0.xml")
    before = [queries(path) for path in paths]
    for number in range(5):
        add_article(home, *(section(f"Part {n}") for n in range(5)), title=f"Article {number}")
    assert [queries(path) for path in paths] == before
    assert before[0] == 1
    assert before[1] <= 5


def test_each_file_says_what_it_is_made_from(home: HomePage, reader: Client) -> None:
    article = add_article(home)
    number = sitemap.part_of(article.pk)
    for path, name in (("/sitemap.xml", "sitemap"), (part_path(article), f"sitemap:{number}")):
        with freshness.recording() as made:
            reader.get(path)
        assert made.is_kept
        # The site's own address comes with every name (articles.freshness).
        assert made.names == {name}
        assert not made.parameters
        assert made.stamp() is not None


def test_every_reader_finds_the_same_whatever_the_query(home: HomePage, reader: Client) -> None:
    add_article(home)
    plain = reader.get("/sitemap.xml?x=1").content
    assert plain == reader.get("/sitemap.xml").content
    assert re.search(rb"<loc>http://127\.0\.0\.1:8000/sitemap-", plain)
