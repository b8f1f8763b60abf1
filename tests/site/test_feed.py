"""The feed tells of the sections that changed last, each under an id that stays."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from articles import freshness
from articles.models import ArticlePage, HomePage, Section
from healthsite import feed
from tests.factories import add_article, edit, section
from tests.markup import values

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SITE = "http://127.0.0.1:8000"
ATOM = "{http://www.w3.org/2005/Atom}"


def read(client: Client) -> ET.Element:
    """Return the feed, once it was found to hold what RFC 4287 asks for."""
    answer = client.get("/feed.xml")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ET.fromstring(answer.content)  # noqa: S314 - our own
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.iter(f"{ATOM}entry")):
        for required in ("id", "title", "updated"):
            found = element.findall(f"{ATOM}{required}")
            assert len(found) == 1, required
            assert found[0].text
        moment = datetime.fromisoformat(element.findtext(f"{ATOM}updated", ""))
        assert moment.tzinfo is not None
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "Healthsite"
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links == {"self": f"{SITE}/feed.xml", "alternate": f"{SITE}/"}
    ids = [entry.findtext(f"{ATOM}id") for entry in root.iter(f"{ATOM}entry")]
    assert len(ids) == len(set(ids))
    return root


def entries(client: Client) -> list[dict[str, Any]]:
    return [
        {
            "title": entry.findtext(f"{ATOM}title"),
            "id": entry.findtext(f"{ATOM}id"),
            "link": entry.find(f"{ATOM}link").get("href"),  # type: ignore[union-attr]  # it is there
            "updated": entry.findtext(f"{ATOM}updated"),
            "published": entry.findtext(f"{ATOM}published"),
            "summary": entry.findtext(f"{ATOM}summary"),
        }
        for entry in read(client).iter(f"{ATOM}entry")
    ]


def set_changed(slug: str, moment: datetime) -> None:
    Section.objects.filter(slug=slug).update(changed_at=moment, first_published_at=moment)


def test_the_sections_that_changed_last_come_first(home: HomePage, reader: Client) -> None:
    add_article(home, section("Why", summary="Because."), section("How", "<b>So</b>."))
    began = datetime(2026, 3, 1, 8, tzinfo=UTC)
    set_changed("why", began)
    set_changed("how", began + timedelta(hours=1))
    how, why = entries(reader)
    assert how["title"] == "How – Sleep"
    assert how["link"] == f"{SITE}/sleep/how/"
    assert why["summary"] == "Because."
    assert why["updated"] == why["published"] == "2026-03-01T08:00:00+00:00"
    assert read(reader).findtext(f"{ATOM}updated") == how["updated"]
    assert reader.get(how["link"].removeprefix(SITE)).status_code == 200


def test_an_edit_brings_a_section_up_under_the_same_id(home: HomePage, reader: Client) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how)
    set_changed("why", datetime(2026, 3, 1, tzinfo=UTC))
    before = {entry["title"]: entry for entry in entries(reader)}
    edit(article, why | {"value": why["value"] | {"slug": "why-so", "summary": "Anew."}}, how)
    after = entries(reader)
    assert after[0]["title"] == "Why – Sleep"
    assert after[0]["link"] == f"{SITE}/sleep/why-so/"
    assert after[0]["id"] == before["Why – Sleep"]["id"]
    assert after[0]["updated"] > before["Why – Sleep"]["updated"]
    assert after[0]["published"] == before["Why – Sleep"]["published"]
    assert {entry["id"] for entry in after} == {entry["id"] for entry in before.values()}


def test_a_copy_of_an_article_has_ids_of_its_own(home: HomePage, reader: Client) -> None:
    article = add_article(home, section("Why"))
    article.copy(update_attrs={"slug": "nap", "title": "Nap"}, keep_live=True)
    assert len({entry["id"] for entry in entries(reader)}) == 2
    for entry in entries(reader):
        UUID(entry["id"].removeprefix("urn:uuid:"))


def test_what_is_not_published_is_not_told_of(home: HomePage, reader: Client) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how)
    edit(article, why)
    assert [entry["title"] for entry in entries(reader)] == ["Why – Sleep"]
    ArticlePage.objects.get(pk=article.pk).unpublish()
    assert entries(reader) == []


def test_it_ends_after_fifty(home: HomePage, reader: Client) -> None:
    add_article(home, *(section(f"Number {n}") for n in range(feed.ENTRIES + 3)))
    assert len(entries(reader)) == feed.ENTRIES


def test_a_section_without_a_heading_is_named_by_its_place(home: HomePage, reader: Client) -> None:
    add_article(home, section("", slug=""))
    assert [entry["title"] for entry in entries(reader)] == ["Part 1 of Sleep"]


def test_what_xml_cannot_hold_is_left_out(home: HomePage, reader: Client) -> None:
    strange = 'A<b> & "c" ]]>\x08\x0b\x1f\ufffe\uffff💤'
    add_article(home, section(strange, slug="a", summary=strange), title=strange, slug="strange")
    (entry,) = entries(reader)
    clean = 'A<b> & "c" ]]>💤'
    assert entry["title"] == f"{clean} – {clean}"
    # Of type “html”: a reader takes it for markup, so it is written as markup.
    assert entry["summary"] == "A&lt;b&gt; &amp; &quot;c&quot; ]]&gt;💤"


@pytest.mark.parametrize("path", ["/", "/sleep/", "/sleep/why/", "/privacy/"])
def test_every_page_names_it(path: str, home: HomePage, reader: Client) -> None:
    add_article(home)
    page = reader.get(path).content.decode()
    feeds = values(page, "link", "href", rel="alternate", type="application/atom+xml")
    assert feeds == ["/feed.xml"]


def test_an_empty_site_has_an_empty_feed_that_does_not_change(db: None, reader: Client) -> None:
    assert list(read(reader).iter(f"{ATOM}entry")) == []
    assert reader.get("/feed.xml").content == reader.get("/feed.xml").content


def test_its_queries_do_not_grow(home: HomePage, reader: Client) -> None:
    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            read(reader)
        return len(captured)

    add_article(home, section("Why"))
    before = queries()
    for number in range(4):
        add_article(home, *(section(f"Part {n}") for n in range(5)), title=f"Article {number}")
    assert queries() == before <= 4


def test_it_says_what_it_is_made_from(home: HomePage, reader: Client) -> None:
    with freshness.recording() as made:
        reader.get("/feed.xml")
    assert made.is_kept
    assert freshness.LISTS in made.names
    assert not made.parameters
