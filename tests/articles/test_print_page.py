"""The whole article for paper: complete, with every address in words, and a way back to what is current."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from wagtail_factories import ImageFactory

from articles.models import HomePage
from articles.templatetags.article_tags import spell_out_links
from sharing import actions, queries
from sharing.models import ShareCount
from tests.factories import add_article, add_draft, edit, renditions_are_made, section
from tests.markup import tags_of, values

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ORIGIN = "http://127.0.0.1:8000"
PATH = "/sleep/print/"


def get(client: Client, path: str = PATH) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def words(page: str) -> str:
    """Return what can be read on the page, one space between words."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def block(kind: str, **value: Any) -> dict[str, Any]:
    return {"type": kind, "id": str(uuid4()), "value": value}


def test_everything_is_there_in_the_order_of_the_article(home: HomePage, reader: Client) -> None:
    add_article(
        home,
        section("Why", "Because."),
        block("care_card", level="get-help-now", heading="Call now", text="<p>At once.</p>"),
        section("How", "Like this."),
        block("callout", heading="By the way", text="<p>An aside.</p>"),
        section("", "Without a heading."),
        block("share_call", text="Love it? Why not share?"),
        standfirst="All about sleep.",
        introduction="<p>We sleep.</p>",
        reviewed_by="Dr No",
        reviewed_on="2026-11-02",
    )
    page = words(get(reader))
    expected = [
        "Sleep", "All about sleep.", "Updated", "Medically reviewed 2 November 2026 by Dr No",
        "This copy has the text as updated on", "We sleep.", "Why", "Because.", "Get help now", "Call now", "At once.", "How",
        "Like this.", "By the way", "An aside.", "Part 3", "Without a heading.",
        "First published", "Last updated",
    ]  # fmt: skip
    at = page.index("Back to the article")
    for each in expected:
        assert each in page[at:], f"{each!r} is missing, or out of order"
        at = page.index(each, at) + len(each)
    assert "Love it" not in page


def test_an_article_that_no_clinician_reviewed_says_so_on_paper(
    home: HomePage, reader: Client
) -> None:
    add_article(home)
    assert "No clinician has reviewed this article yet" in get(reader)


def test_every_address_can_be_read_on_paper(home: HomePage, reader: Client) -> None:
    other = add_article(home, title="Dreams")
    value = {
        "citation": "NHS. Sleep.",
        "url": "https://www.nhs.uk/sleep/?a=1&b=2",
        "identifier": "doi:10.1/x",
    }
    source = {"type": "item", "id": str(uuid4()), "value": value}
    add_article(
        home,
        section(
            "Why",
            f'<a linktype="page" id="{other.pk}">dreams</a> <a href="mailto:a@b.example">write</a>',
            references=[source],
        ),
        block(
            "callout",
            heading="",
            text='<p><a href="https://who.example/a%20b?x=%3E">read on</a></p>',
        ),
        introduction='<p>The <a href="https://cks.example/">CKS</a> says.</p>',
    )
    page = words(get(reader))
    for each in (
        f"dreams ({ORIGIN}/dreams/)",
        "write (a@b.example)",
        "read on (https://who.example/a%20b?x=%3E)",
        "The CKS (https://cks.example/) says.",
        "NHS. Sleep. (https://www.nhs.uk/sleep/?a=1&b=2) · doi:10.1/x",
    ):
        assert each in page


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="#why">why</a>', '<a href="#why">why</a>'),
        (
            '<a href="https://[">odd</a>',
            '<a href="https://[">odd</a> <span class="address">(https://[)</span>',
        ),
        ("<a>nowhere</a>", "<a>nowhere</a>"),
        ('<a id="x">y</a> <b>z</b>', '<a id="x">y</a> <b>z</b>'),
        ('<a href="https://a.b/">https://a.b/</a>', '<a href="https://a.b/">https://a.b/</a>'),
        (
            '<a title="a > b" href="/x/?q=&quot;&gt;&lt;i&gt;">w</a>',
            '<a title="a > b" href="/x/?q=&quot;&gt;&lt;i&gt;">w</a>'
            f' <span class="address">({ORIGIN}/x/?q=&quot;&gt;&lt;i&gt;)</span>',
        ),
        (
            '<a href="tel:111"><b>call</b></a><a href="/y/">y</a>',
            '<a href="tel:111"><b>call</b></a> <span class="address">(111)</span>'
            f'<a href="/y/">y</a> <span class="address">({ORIGIN}/y/)</span>',
        ),
    ],
)
def test_an_address_is_added_where_the_words_do_not_say_it(html: str, expected: str) -> None:
    assert spell_out_links(html) == expected


def test_a_damaged_link_takes_no_time_and_stays_as_it_is() -> None:
    for html in ('<a "' + 'x" ' * 20_000, "<a href=" * 5_000, '<a href="/x/">' * 5_000, "</a>" * 9):
        assert spell_out_links(html) == html


def test_paper_leads_back_to_what_is_published_now(home: HomePage, reader: Client) -> None:
    article = add_article(home)
    code = queries.identities(article.pk)[None].code
    page = get(reader)
    assert values(page, "img", "alt", src=f"/share/{code}/qr.svg")
    assert f"{ORIGIN}/s/{code}qr/" in words(page)
    assert "/sleep/" in values(page, "a", "href")


def test_the_page_for_paper_is_no_page_to_find_or_share(home: HomePage, reader: Client) -> None:
    add_article(home)
    page = get(reader)
    assert values(page, "link", "href", rel="canonical") == [f"{ORIGIN}/sleep/"]
    assert values(page, "meta", "content", name="robots") == ["noindex"]
    assert "data-code" not in page
    assert "Bluesky" not in page
    [script] = values(page, "script", "src")
    assert "print" in script
    buttons = [attributes for tag, attributes in tags_of(page) if tag == "button"]
    assert len(buttons) == 1, "the one that a script shows"


def test_the_article_leads_to_its_page_for_paper(home: HomePage, reader: Client) -> None:
    add_article(home)
    assert "/sleep/print/" in values(get(reader, "/sleep/"), "a", "href")


def test_a_draft_has_no_page_for_paper_and_a_preview_leads_to_none(
    home: HomePage, reader: Client, publisher: Client
) -> None:
    draft = add_draft(home)
    assert reader.get(PATH).status_code == 404
    article = add_article(home, title="Dreams")
    article.unpublish()
    assert reader.get("/dreams/print/").status_code == 404
    preview = publisher.get(f"/admin/pages/{draft.pk}/view_draft/").content.decode()
    assert "print/" not in preview


def test_it_can_only_be_read_and_prints_nothing_of_an_unpublished_edit(
    home: HomePage, reader: Client
) -> None:
    article = add_article(home, section("Why", "Public."))
    edit(article, section("Why", "Secret."), publish=False)
    assert "Secret." not in get(reader)
    for method in ("post", "put", "patch", "delete"):
        assert getattr(reader, method)(PATH).status_code == 405
    head = reader.head(PATH)
    assert (head.status_code, head.content) == (200, b"")
    assert reader.options(PATH).status_code == 204


def test_a_renamed_article_leads_on_from_the_old_page_for_paper(
    home: HomePage, reader: Client, django_capture_on_commit_callbacks: Any
) -> None:
    article = add_article(home)
    with django_capture_on_commit_callbacks(execute=True):
        edit(article, slug="slumber")
    answer = reader.get(PATH)
    assert answer.status_code == 301
    assert answer.headers["Location"].endswith("/slumber/print/")


def test_printing_counts_nothing(home: HomePage, reader: Client) -> None:
    add_article(home)
    get(reader)
    actions.drain()
    assert not ShareCount.objects.exists()


def test_pictures_do_not_wait_to_be_scrolled_to(home: HomePage, reader: Client) -> None:
    image = ImageFactory()
    picture = {
        "type": "image",
        "value": {
            "image": {"image": image.pk, "alt_text": "A bed", "decorative": False},
            "caption": "",
        },
    }
    add_article(home, section("Why", body=[picture]))
    with renditions_are_made():
        page = get(reader)
        assert values(page, "img", "loading", alt="A bed") == ["eager"]
        assert values(get(reader, "/sleep/"), "img", "loading", alt="A bed") == ["lazy"]


def test_its_queries_do_not_grow_with_the_sections(home: HomePage, reader: Client) -> None:
    counts = []
    for number in (2, 20):
        add_article(home, *[section(f"No {n}") for n in range(number)], title=f"With {number}")
        get(reader, f"/with-{number}/print/")
        with CaptureQueriesContext(connection) as captured:
            get(reader, f"/with-{number}/print/")
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 12
