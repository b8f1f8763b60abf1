"""What an editor may type, and what becomes of it; all through the admin's own forms."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from wagtail.test.utils.form_data import rich_text, streamfield

from articles.models import ArticlePage, HomePage
from tests.articles.editing import form, post_edit, post_new, saved, section_block, slug_errors
from tests.factories import add_article, section
from tests.markup import tags_of

pytestmark = pytest.mark.django_db


def draft() -> ArticlePage:
    """Return the only article as its newest draft has it."""
    article: ArticlePage = ArticlePage.objects.get().get_latest_revision_as_object()
    return article


def said(response: Any) -> str:
    """Return what the admin tells the editor after a form was taken."""
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


# Slugs


def test_a_blank_slug_is_filled_from_the_heading(home: HomePage, editor: Client) -> None:
    assert saved(
        post_new(editor, home, form(section_block("Why we sleep"), section_block("Träume")))
    )
    assert [block.value["slug"] for block in draft().body] == ["why-we-sleep", "träume"]


def test_a_section_without_heading_and_slug_keeps_its_slug_blank(
    home: HomePage, editor: Client
) -> None:
    assert saved(post_new(editor, home, form(section_block())))
    assert draft().body[0].value["slug"] == "", "its number may still change"


def test_a_slug_is_tidied(home: HomePage, editor: Client) -> None:
    assert saved(post_new(editor, home, form(section_block("Why", slug=" /Wherefore/ "))))
    assert draft().body[0].value["slug"] == "wherefore"


@pytest.mark.parametrize("publish", [False, True], ids=["draft", "publish"])
def test_a_slug_used_twice_is_refused_at_the_later_section_with_a_free_one(
    publish: bool, home: HomePage, publisher: Client
) -> None:
    data = form(
        section_block("Why"),
        section_block("Aside", slug="why-2"),
        section_block("Once more", slug="why"),
    )
    response = post_new(publisher, home, data, publish=publish)
    assert not saved(response)
    assert slug_errors(response) == {2: ["Section 1 has the address “why” already. Try “why-3”."]}
    assert not ArticlePage.objects.exists()


def test_two_sections_of_one_heading_are_refused_too(home: HomePage, editor: Client) -> None:
    data = form(section_block("Why"), ("share_call", {"text": "Share"}), section_block("Why"))
    assert slug_errors(post_new(editor, home, data)) == {
        2: ["Section 1 has the address “why” already. Try “why-2”."]
    }


def test_the_suggested_slug_is_accepted(home: HomePage, editor: Client) -> None:
    data = form(section_block("Why"), section_block("Why", slug="why-2"))
    assert saved(post_new(editor, home, data))


@pytest.mark.parametrize("slug", ["share", "preview", "part-3", "Part-12"])
def test_a_reserved_slug_is_refused_with_another(slug: str, home: HomePage, editor: Client) -> None:
    errors = slug_errors(post_new(editor, home, form(section_block("Why", slug=slug))))
    assert f"Choose another, such as “{slug.lower()}-section”." in errors[0][0]


@pytest.mark.parametrize("slug", ["privacy", "admin", "share", "s", "api", "media"])
def test_an_article_cannot_take_an_address_of_the_site(
    slug: str, home: HomePage, publisher: Client
) -> None:
    response = post_new(publisher, home, form(section_block("Why"), slug=slug), publish=True)
    assert not saved(response)
    assert "is an address of the site itself" in str(response.context["form"].errors["slug"])


@pytest.mark.parametrize("heading", ["Share", "Part 3"])
def test_a_heading_whose_slug_is_reserved_is_refused(
    heading: str, home: HomePage, editor: Client
) -> None:
    errors = slug_errors(post_new(editor, home, form(section_block(heading))))
    assert "is kept for the site itself" in errors[0][0]


@pytest.mark.parametrize(
    "slug",
    ["a b", "a/b", "a.b", "a?b", "a#b", "<b>", "a&b", "a%20b", "‮evil", "a\r\nb", "💤", "../x"],
)
def test_a_slug_with_other_characters_is_refused(slug: str, home: HomePage, editor: Client) -> None:
    errors = slug_errors(post_new(editor, home, form(section_block("Why", slug=slug))))
    assert errors == {0: ["Use letters, numbers, hyphens and underscores only."]}


def test_a_slug_that_is_too_long_is_refused(home: HomePage, editor: Client) -> None:
    errors = slug_errors(post_new(editor, home, form(section_block("Why", slug="x" * 81))))
    assert "at most 80 characters" in errors[0][0]


# Nothing typed is lost


def test_a_refused_form_gives_back_all_that_was_typed(home: HomePage, editor: Client) -> None:
    data = form(
        section_block("Why", "<p>Hours of careful work.</p>", slug="share"),
        title="A careful title",
        standfirst="A careful beginning",
        introduction="<p>A careful introduction.</p>",
    )
    response = post_new(editor, home, data)
    assert not saved(response)
    page = unescape(response.content.decode())
    for words in (
        "A careful title",
        "A careful beginning",
        "A careful introduction.",
        "Hours of careful work.",
    ):
        assert words in page
    assert "could not be created due to validation errors" in page


def test_a_refused_edit_changes_nothing_and_gives_back_all_that_was_typed(
    home: HomePage, publisher: Client
) -> None:
    article = add_article(home, section("Why", "Public words."))
    data = form(section_block("Why", "<p>New words.</p>", slug="share"))
    response = post_edit(publisher, article, data, publish=True)
    assert not saved(response)
    assert "New words." in response.content.decode()
    assert [part.text for part in draft().parts] == ["Public words."]


# Draft and publish


def test_saving_a_draft_of_a_live_article_leaves_its_pages_as_they_are(
    home: HomePage, publisher: Client, reader: Client
) -> None:
    article = add_article(home, section("Why", "Public words."))
    paths = ("/", "/sleep/", "/sleep/why/")
    before = [reader.get(path).content for path in paths]
    data = form(
        section_block("Whither", "<p>Secret words.</p>"), title="Secret", standfirst="Secret too"
    )
    assert saved(post_edit(publisher, article, data))
    assert [reader.get(path).content for path in paths] == before
    assert reader.get("/sleep/whither/").status_code == 404
    assert [part.text for part in draft().parts] == ["Secret words."], "but it is saved"


def test_publishing_shows_it(home: HomePage, publisher: Client, reader: Client) -> None:
    data = form(section_block("Why", "<p>First words.</p>"))
    assert saved(post_new(publisher, home, data, publish=True))
    assert "First words." in reader.get("/sleep/why/").content.decode()
    data = form(section_block("Why", "<p>Second words.</p>"), title="Sleeping")
    assert saved(post_edit(publisher, ArticlePage.objects.get(), data, publish=True))
    assert "Second words." in reader.get("/sleep/why/").content.decode()
    assert "<h1>Sleeping</h1>" in reader.get("/sleep/").content.decode()


def test_what_was_published_through_the_admin_can_be_edited_again_with_its_ids(
    home: HomePage, publisher: Client
) -> None:
    assert saved(post_new(publisher, home, form(section_block("Why")), publish=True))
    article = ArticlePage.objects.get()
    row = article.sections.get()
    data = form(section_block("Why", "<p>New.</p>")) | {"body-0-id": str(row.block_id)}
    assert saved(post_edit(publisher, article, data, publish=True))
    assert article.sections.live().get().pk == row.pk


def test_an_editors_publish_button_is_not_there_and_does_nothing(
    home: HomePage, editor: Client, reader: Client
) -> None:
    assert saved(post_new(editor, home, form(section_block("Why")), publish=True))
    assert not ArticlePage.objects.get().live
    assert reader.get("/sleep/").status_code == 404


def test_publishing_without_a_heading_warns_and_publishes(
    home: HomePage, publisher: Client, reader: Client
) -> None:
    data = form(section_block("Why"), section_block(), section_block())
    response = post_new(publisher, home, data, publish=True)
    assert saved(response)
    assert "Published without a heading: part 2, part 3." in said(response)
    assert "<h1>Part 2</h1>" in reader.get("/sleep/part-2/").content.decode()


@pytest.mark.parametrize(
    "publish", [False, True], ids=["a draft without", "publishing with headings"]
)
def test_otherwise_nothing_warns(publish: bool, home: HomePage, publisher: Client) -> None:
    data = form(section_block("Why" if publish else ""))
    response = post_new(publisher, home, data, publish=publish)
    assert saved(response)
    assert "without a heading" not in said(response)


def test_references_are_kept_and_shown(home: HomePage, publisher: Client, reader: Client) -> None:
    reference = {
        "citation": "A careful book",
        "url": "https://doi.org/10.1000/1",
        "identifier": "doi:10.1000/1",
    }
    items = streamfield([("item", reference)])
    data = form(section_block("Why", references=items))
    assert saved(post_new(publisher, home, data, publish=True))
    page = reader.get("/sleep/why/").content.decode()
    assert 'href="https://doi.org/10.1000/1"' in page
    assert "A careful book" in page


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "not an address"])
def test_a_reference_to_no_web_address_is_refused(
    address: str, home: HomePage, editor: Client
) -> None:
    reference = {"citation": "A book", "url": address, "identifier": ""}
    data = form(section_block("Why", references=streamfield([("item", reference)])))
    assert not saved(post_new(editor, home, data))


# What must never reach a page

EVIL = [
    pytest.param("<p>x<script>alert(1)</script></p>", id="script"),
    pytest.param('<p>x<img src="x" onerror="alert(1)"/></p>', id="onerror"),
    pytest.param('<p>x<svg onload="alert(1)"></svg></p>', id="svg"),
    pytest.param('<p><a href="javascript:alert(1)">x</a></p>', id="javascript link"),
    pytest.param('<p><a href="JaVa\tScript:alert(1)">x</a></p>', id="disguised link"),
    pytest.param('<p><a href="data:text/html,alert(1)">x</a></p>', id="data link"),
    pytest.param('<p onclick="alert(1)" style="color:red">x</p>', id="attributes"),
    pytest.param('<iframe src="//evil.example"></iframe><p>x</p>', id="frame"),
    pytest.param("<style>body{display:none}</style><p>x</p>", id="style"),
]


def contentstate(text: str, url: str) -> str:
    """Return what a forged editor may send: a link whose address was never through a converter."""
    return json.dumps(
        {
            "blocks": [
                {
                    "key": "aaaaa",
                    "type": "unstyled",
                    "text": text,
                    "depth": 0,
                    "inlineStyleRanges": [],
                    "entityRanges": [{"offset": 0, "length": len(text), "key": 0}],
                }
            ],
            "entityMap": {"0": {"type": "LINK", "mutability": "MUTABLE", "data": {"url": url}}},
        }
    )


def assert_harmless(page: str) -> None:
    """Check that nothing in a page's main part runs or leads to something that runs."""
    main = page[page.index("<main") : page.index("</main>")]
    for name, attributes in tags_of(main):
        assert name not in {"script", "iframe", "style", "object", "embed", "base", "meta"}
        for attribute, value in attributes.items():
            assert not attribute.startswith("on")
            assert attribute != "style"
            if attribute in {"href", "src", "action", "formaction"}:
                scheme = re.sub(r"[\s\x00-\x1f]", "", value).lower()
                assert not scheme.startswith(("javascript:", "data:", "vbscript:")), value


@pytest.mark.parametrize("html", EVIL)
def test_what_runs_in_a_browser_never_reaches_a_page_through_the_editor(
    html: str, home: HomePage, publisher: Client, reader: Client
) -> None:
    card = {"level": "get-help-now", "heading": html, "text": rich_text(html)}
    data = form(
        section_block(f"Why {html}"[:150], html, slug="why", summary=html[:200]),
        ("care_card", card),
        ("callout", {"heading": html, "text": rich_text(html)}),
        ("share_call", {"text": html[:120]}),
        title=f"Sleep {html}",
        standfirst=html,
        introduction=html,
    )
    assert saved(post_new(publisher, home, data, publish=True))
    for path in ("/", "/sleep/", "/sleep/why/"):
        assert_harmless(reader.get(path).content.decode())


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
     "\x01javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x"],
)  # fmt: skip
def test_a_forged_link_loses_its_address(
    url: str, home: HomePage, publisher: Client, reader: Client
) -> None:
    block = section_block("Why", body=streamfield([("text", contentstate("here", url))]))
    assert saved(post_new(publisher, home, form(block), publish=True))
    for path in ("/sleep/", "/sleep/why/"):
        page = reader.get(path).content.decode()
        assert "here" in page
        assert_harmless(page)


def test_an_honest_link_keeps_its_address(
    home: HomePage, publisher: Client, reader: Client
) -> None:
    html = '<p><a href="https://www.nhs.uk/">here</a></p>'
    assert saved(post_new(publisher, home, form(section_block("Why", html)), publish=True))
    assert '<a href="https://www.nhs.uk/">here</a>' in reader.get("/sleep/why/").content.decode()


# A NUL, which no database of ours stores

NUL = "a\0b"


def rich_with_nul() -> str:
    """Return rich text with a NUL, as the editor's JSON carries one."""
    value: str = rich_text("<p>aXb</p>")
    return value.replace("aXb", "a\\u0000b")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: form(section_block("Why"), title=NUL), id="title"),
        pytest.param(lambda: form(section_block("Why"), standfirst=NUL), id="standfirst"),
        pytest.param(lambda: form(section_block("Why"), slug=NUL), id="page slug"),
        pytest.param(lambda: form(section_block(NUL)), id="heading"),
        pytest.param(lambda: form(section_block("Why", slug=NUL)), id="slug"),
        pytest.param(lambda: form(section_block("Why", summary=NUL)), id="summary"),
        pytest.param(
            lambda: form(section_block("Why", body=streamfield([("text", rich_with_nul())]))),
            id="rich text",
        ),
        pytest.param(lambda: form() | {"introduction": rich_with_nul()}, id="introduction"),
        pytest.param(lambda: form(("share_call", {"text": NUL})), id="share call"),
        pytest.param(lambda: form(section_block("Why"), search_description=NUL), id="description"),
        pytest.param(lambda: form(section_block("Why"), seo_title=NUL), id="search title"),
        pytest.param(lambda: form(section_block("Why"), reviewed_by=NUL), id="reviewer"),
    ],
)
def test_a_nul_is_refused_as_any_other_mistake(
    data: Any, home: HomePage, publisher: Client
) -> None:
    response = post_new(publisher, home, data(), publish=True)
    assert not saved(response)
    assert "could not be created due to validation errors" in response.content.decode()
    assert not ArticlePage.objects.exists()


def test_500_000_signs_of_an_emoji_are_taken_or_refused(home: HomePage, publisher: Client) -> None:
    block = section_block("Why", f"<p>{'💤' * 500_000}</p>")
    response = post_new(publisher, home, form(block), publish=True)
    assert response.status_code in {200, 302, 400, 413}
