"""What a reader gets at each address of an article."""

import re
from html import unescape
from typing import Any
from urllib.parse import quote, urljoin

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from wagtail_factories import ImageFactory

from articles.models import ArticlePage, HomePage, Section
from tests.factories import add_article, add_draft, edit, renditions_are_made, section
from tests.markup import values

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ORIGIN = "http://127.0.0.1:8000"


def get(client: Client, path: str, status: int = 200) -> str:
    """Return the page at a path, which answers with this status."""
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.content.decode()


def meta(page: str, name: str) -> str | None:
    """Return the content of one meta tag; None where there is none, more than one fails."""
    key = "property" if name.startswith("og:") else "name"
    found = values(page, "meta", "content", **{key: name})
    assert len(found) <= 1, f"{name} is there {len(found)} times"
    return found[0] if found else None


def canonical(page: str) -> str | None:
    """Return the canonical address; None where there is none, more than one fails."""
    found = values(page, "link", "href", rel="canonical")
    assert len(found) <= 1
    return found[0] if found else None


def title(page: str) -> str:
    """Return the document's title."""
    found = re.search(r"<title>([^<]*)</title>", page)
    assert found is not None
    return unescape(found[1])


# Addresses


def test_an_article_has_all_its_sections_and_links_to_each(home: HomePage, reader: Client) -> None:
    add_article(home, section("Why", "First words."), section("How", "Second words."))
    page = get(reader, "/sleep/")
    assert "<h1>Sleep</h1>" in page
    for slug, words in (("why", "First words."), ("how", "Second words.")):
        assert words in page
        assert slug in values(page, "section", "id")
        assert f"/sleep/{slug}/" in values(page, "a", "href")


def test_a_section_is_a_page_of_its_own_with_its_neighbours(home: HomePage, reader: Client) -> None:
    add_article(home, section("Why", "One."), section("How", "Two."), section("When", "Three."))
    page = get(reader, "/sleep/how/")
    assert "<h1>How</h1>" in page
    assert "Two." in page
    assert "One." not in page
    assert values(page, "a", "href", rel="prev") == ["/sleep/why/"]
    assert values(page, "a", "href", rel="next") == ["/sleep/when/"]
    assert "/sleep/" in values(page, "a", "href")


def test_the_first_and_the_last_section_have_one_neighbour(home: HomePage, reader: Client) -> None:
    add_article(home)
    assert values(get(reader, "/sleep/why/"), "a", "href", rel="prev") == []
    assert values(get(reader, "/sleep/how/"), "a", "href", rel="next") == []


def test_an_address_in_another_script_is_found_encoded_or_not(
    home: HomePage, reader: Client
) -> None:
    add_article(home, section("Träume"), title="Schlaf")
    assert "<h1>Träume</h1>" in get(reader, "/schlaf/träume/")
    assert "<h1>Träume</h1>" in get(reader, f"/schlaf/{quote('träume')}/")


def test_an_old_slug_leads_to_the_new_address_for_good(home: HomePage, reader: Client) -> None:
    why = section("Why", slug="why")
    article = add_article(home, why)
    why["value"]["slug"] = "wherefore"
    article = edit(article, why)
    why["value"]["slug"] = "for-what"
    edit(article, why)
    for old in ("why", "wherefore"):
        answer = reader.get(f"/sleep/{old}/")
        assert answer.status_code == 301
        assert urljoin(ORIGIN, answer.headers["Location"]) == f"{ORIGIN}/sleep/for-what/"
    assert "<h1>Why</h1>" in get(reader, "/sleep/for-what/")


def test_a_renamed_article_leads_on_from_all_its_old_addresses(
    home: HomePage, reader: Client, django_capture_on_commit_callbacks: Any
) -> None:
    why = section("Why", slug="wherefore")
    article = add_article(home, why, title="Sleep")
    why["value"]["slug"] = "why"
    article = edit(article, why)
    with django_capture_on_commit_callbacks(execute=True):
        edit(article, slug="slumber")
    for old, new in (
        ("/sleep/", "/slumber/"),
        ("/sleep/why/", "/slumber/why/"),
        ("/sleep/wherefore/", "/slumber/wherefore/"),
    ):
        answer = reader.get(old)
        assert answer.status_code == 301, old
        assert answer.headers["Location"].endswith(new)


def test_an_old_slug_is_asked_for_again_each_time(home: HomePage, reader: Client) -> None:
    why = section("Why", slug="one")
    article = add_article(home, why)
    why["value"]["slug"] = "two"
    article = edit(article, why)
    assert reader.get("/sleep/one/").headers["Cache-Control"] == "no-cache"
    why["value"]["slug"] = "one"
    edit(article, why)
    assert reader.get("/sleep/one/").status_code == 200
    assert reader.get("/sleep/two/").headers["Location"] == "/sleep/one/"


def test_what_is_published_is_public(home: HomePage) -> None:
    # The API, the counts and the short links know nothing of Wagtail's page privacy.
    assert ArticlePage.private_page_options == HomePage.private_page_options == []


def test_an_address_without_its_slash_leads_to_the_one_with(home: HomePage, reader: Client) -> None:
    add_article(home)
    for path in ("/sleep", "/sleep/why"):
        assert reader.get(path).headers["Location"] == f"{path}/"


def test_a_removed_section_is_gone_and_leads_to_the_article(home: HomePage, reader: Client) -> None:
    why, how = section("Why"), section("How")
    article = add_article(home, why, how, title="Sleep")
    edit(article, why)
    page = get(reader, "/sleep/how/", 410)
    assert "“How”" in page
    assert "/sleep/" in values(page, "a", "href")
    assert meta(page, "robots") == "noindex"
    assert canonical(page) is None


def test_an_old_slug_of_a_removed_section_is_gone_too(home: HomePage, reader: Client) -> None:
    why, how = section("Why"), section("How", slug="how")
    article = add_article(home, why, how)
    how["value"]["slug"] = "how-so"
    article = edit(article, why, how)
    edit(article, why)
    assert "“How”" in get(reader, "/sleep/how/", 410)


def test_a_new_section_may_take_the_address_of_a_removed_one(
    home: HomePage, reader: Client
) -> None:
    article = add_article(home, section("Why", "Old."), section("How"))
    edit(article, section("Why", "New."), section("How"))
    assert "New." in get(reader, "/sleep/why/")


def test_an_unknown_section_is_not_found(home: HomePage, reader: Client) -> None:
    add_article(home)
    for path in ("/sleep/whether/", "/sleep/why/more/", "/sleep/WHY/", "/sleep/part-1/"):
        get(reader, path, 404)


def test_a_draft_is_not_found_and_neither_are_its_sections(home: HomePage, reader: Client) -> None:
    add_draft(home)
    for path in ("/sleep/", "/sleep/why/"):
        assert "Sleep" not in get(reader, path, 404)


def test_an_unpublished_article_is_not_found_and_neither_are_its_sections(
    home: HomePage, reader: Client
) -> None:
    article = add_article(home)
    article.unpublish()
    for path in ("/sleep/", "/sleep/why/"):
        get(reader, path, 404)


def test_a_draft_of_a_live_article_shows_nothing_of_itself(home: HomePage, reader: Client) -> None:
    why = section("Why", "Public words.")
    article = add_article(home, why)
    before = (get(reader, "/sleep/"), get(reader, "/sleep/why/"))
    why["value"]["body"][0]["value"] = "<p>Secret words.</p>"
    edit(article, why, section("Secret"), title="Secret", publish=False)
    assert (get(reader, "/sleep/"), get(reader, "/sleep/why/")) == before
    get(reader, "/sleep/secret/", 404)


def test_a_published_edit_is_seen_at_once(home: HomePage, reader: Client) -> None:
    why = section("Why", "Old words.")
    article = add_article(home, why)
    assert "Old words." in get(reader, "/sleep/why/")
    why["value"]["body"][0]["value"] = "<p>New words.</p>"
    edit(article, why)
    assert "New words." in get(reader, "/sleep/why/")
    assert "New words." in get(reader, "/sleep/")


@pytest.mark.parametrize("path", ["/sleep/", "/sleep/why/", "/"])
@pytest.mark.parametrize("method", ["put", "delete", "patch", "post"])
def test_a_page_can_only_be_read(method: str, path: str, home: HomePage, reader: Client) -> None:
    add_article(home)
    assert getattr(reader, method)(path).status_code == 405


@pytest.mark.parametrize("path", ["/sleep/", "/sleep/why/", "/"])
def test_head_answers_as_get_does_without_the_page(
    path: str, home: HomePage, reader: Client
) -> None:
    add_article(home)
    answer = reader.head(path)
    assert answer.status_code == 200
    assert answer.content == b""


def test_a_care_card_to_act_upon_is_on_every_section_page(home: HomePage, reader: Client) -> None:
    card = {
        "type": "care_card",
        "value": {"level": "get-help-now", "heading": "Call now", "text": "<p>At once.</p>"},
    }
    add_article(home, card, section("Why"), section("How"))
    for path in ("/sleep/", "/sleep/why/", "/sleep/how/"):
        page = get(reader, path)
        assert "Get help now" in page
        assert "Call now" in page


# What search engines and networks read


def described(home: HomePage) -> ArticlePage:
    """Publish an article that says what it is about."""
    return add_article(
        home,
        section("Why we sleep", summary="Because we are tired."),
        section("How & when", text="At night, &amp; long."),
        title="Sleep",
        standfirst="All about sleep.",
    )


@pytest.mark.parametrize(
    ("path", "expected_title", "description", "heading"),
    [
        ("/", "Health – Healthsite", "In plain words.", "Health"),
        ("/sleep/", "Sleep – Healthsite", "All about sleep.", "Sleep"),
        (
            "/sleep/why-we-sleep/",
            "Why we sleep – Sleep – Healthsite",
            "Because we are tired.",
            "Why we sleep",
        ),
        ("/sleep/how-when/", "How & when – Sleep – Healthsite", "At night, & long.", "How & when"),
    ],
)
@pytest.mark.parametrize("origin", [ORIGIN, "https://health.example.org", "https://h.example:8443"])
def test_each_page_says_what_it_is_and_where(
    path: str,
    expected_title: str,
    description: str,
    heading: str,
    origin: str,
    home: HomePage,
    reader: Client,
    settings: Any,
) -> None:
    described(home)
    settings.SITE_URL = origin
    page = get(reader, f"{path}?utm_source=elsewhere")
    assert title(page) == expected_title
    assert meta(page, "description") == meta(page, "og:description") == description
    assert canonical(page) == meta(page, "og:url") == f"{origin}{path}"
    assert meta(page, "og:title") == heading
    assert meta(page, "og:type") == ("website" if path == "/" else "article")
    assert meta(page, "og:site_name") == "Healthsite"
    assert meta(page, "robots") is None
    assert (meta(page, "og:image") or "").startswith(f"{origin}/static/")


def test_the_default_picture_exists(home: HomePage, reader: Client) -> None:
    picture = meta(get(reader, "/"), "og:image") or ""
    assert picture == f"{ORIGIN}/static/healthsite/card.png"


def test_an_editors_title_and_description_for_search_come_first(
    home: HomePage, reader: Client
) -> None:
    add_article(
        home, standfirst="Standfirst.", seo_title="For search", search_description="Described."
    )
    page = get(reader, "/sleep/")
    assert title(page) == "For search – Healthsite"
    assert meta(page, "description") == "Described."


def test_markup_in_a_title_stays_words_everywhere(home: HomePage, reader: Client) -> None:
    evil = '"><script>alert(1)</script>'
    add_article(home, section(evil, summary=evil), title=evil, slug="sleep", standfirst=evil)
    for path in ("/", "/sleep/", "/sleep/scriptalert1script/"):
        page = get(reader, path)
        assert "<script>alert" not in page
        assert '"><script' not in page


def test_the_canonical_address_of_a_section_in_another_script_is_the_one_that_is_listed(
    home: HomePage, reader: Client
) -> None:
    add_article(home, section("Träume"), title="Schlaf")
    page = get(reader, "/schlaf/träume/")
    assert canonical(page) == meta(page, "og:url") == f"{ORIGIN}/schlaf/{quote('träume')}/"


def test_what_is_not_found_says_so_and_leads_on(home: HomePage, reader: Client) -> None:
    page = get(reader, "/nowhere/", 404)
    assert "<h1>There is nothing at this address</h1>" in page
    assert "/" in values(page, "a", "href")
    assert meta(page, "robots") == "noindex"
    assert canonical(page) is None


# Queries

MOST_QUERIES = 12


def queries_of(client: Client, path: str) -> list[str]:
    """Return the statements that a page needs with nothing in any cache."""
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        get(client, path)
    return [query["sql"] for query in captured]


def assert_the_same_and_few(*measured: list[str]) -> None:
    counts = [len(queries) for queries in measured]
    assert len(set(counts)) == 1, "\n".join([str(counts), *max(measured, key=len)])
    assert counts[0] <= MOST_QUERIES, "\n".join(measured[0])


@pytest.mark.parametrize("path", ["", "part-number-1/"])
def test_an_articles_queries_do_not_grow_with_its_sections(
    path: str, home: HomePage, reader: Client
) -> None:
    for number in (2, 20):
        blocks = [section(f"Part number {n}") for n in range(number)]
        add_article(home, *blocks, title=f"With {number}")
    assert_the_same_and_few(*[queries_of(reader, f"/with-{n}/{path}") for n in (2, 20)])


@pytest.mark.parametrize("path", ["", "number-1/"])
def test_an_articles_queries_do_not_grow_with_its_pictures(
    path: str, home: HomePage, reader: Client
) -> None:
    for number in (2, 8):
        blocks = [section(f"Number {n}", body=[picture(), words()]) for n in range(number)]
        add_article(home, *blocks, title=f"With {number}")
        draw_pictures(reader, f"/with-{number}/")
    measured = [queries_of(reader, f"/with-{n}/{path}") for n in (2, 8)]
    assert_the_same_and_few(*measured)


def test_no_pages_queries_grow_with_the_articles(home: HomePage, reader: Client) -> None:
    paths = ("/", "/sleep/", "/sleep/why/")
    add_article(home)
    before = {path: queries_of(reader, path) for path in paths}
    for number in range(29):
        add_article(home, section("Why"), title=f"Another {number}")
    for path in paths:
        assert_the_same_and_few(before[path], queries_of(reader, path))


def test_a_gone_and_a_missing_page_need_few_queries(home: HomePage, reader: Client) -> None:
    why, how = section("Why"), section("How")
    edit(add_article(home, why, how), why)
    for path in ("/sleep/how/", "/sleep/whether/", "/nowhere/"):
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            reader.get(path)
        assert len(captured) <= MOST_QUERIES


def picture() -> dict[str, Any]:
    """Return an image block with a picture of its own."""
    image = {"image": ImageFactory().pk, "alt_text": "A bed", "decorative": False}
    return {"type": "image", "value": {"image": image, "caption": "A bed."}}


def draw_pictures(client: Client, path: str) -> None:
    """Open a page for the first time, which makes the renditions of its pictures."""
    with renditions_are_made():
        get(client, path)


def words() -> dict[str, Any]:
    """Return a text block."""
    return {"type": "text", "value": "<p>Some words.</p>"}


def test_a_picture_is_shown_with_its_alternative_text_and_caption(
    home: HomePage, reader: Client
) -> None:
    add_article(home, section("Why", body=[picture(), words()]))
    draw_pictures(reader, "/sleep/")
    for path in ("/sleep/", "/sleep/why/"):
        page = get(reader, path)
        assert "<figcaption>A bed.</figcaption>" in page
        (address,) = values(page, "img", "src", alt="A bed")
        file = b"".join(reader.get(address).streaming_content)  # type: ignore[attr-defined]
        assert file.startswith(b"\xff\xd8"), "a JPEG"


def test_a_picture_that_was_deleted_does_not_break_its_page(home: HomePage, reader: Client) -> None:
    block = picture()
    add_article(home, section("Why", body=[block, words()]))
    ImageFactory._meta.model.objects.all().delete()
    for path in ("/sleep/", "/sleep/why/"):
        assert "Some words." in get(reader, path)


def test_the_reading_time_follows_the_words(home: HomePage, reader: Client) -> None:
    add_article(home, section("Why", "word " * 660), title="Long")
    assert "3 minutes to read" in get(reader, "/long/")
    add_article(home, section("Why"), title="Short")
    assert "1 minute to read" in get(reader, "/short/")


def test_a_page_reads_the_published_rows_and_never_writes(home: HomePage, reader: Client) -> None:
    add_article(home)
    before = list(Section.objects.values())
    for path in ("/", "/sleep/", "/sleep/why/", "/nowhere/"):
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            reader.get(path)
        assert all(query["sql"].startswith("SELECT") for query in captured)
    assert list(Section.objects.values()) == before
