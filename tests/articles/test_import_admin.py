"""The import in the admin: paste or upload, look at what was understood, make a draft."""

from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from articles.importing.source import LARGEST_SOURCE
from articles.models import ArticlePage, HomePage
from tests.articles.test_import_text import LETTER, PARAGRAPHS, TITLE
from tests.conftest import READER
from tests.factories import add_article, add_draft, section
from tests.markup import values

pytestmark = pytest.mark.django_db

ADDRESS = "/admin/articles/import/"


def send(client: Client, action: str = "preview", **fields: Any) -> Any:
    """Send the form with one of its buttons."""
    return client.post(ADDRESS, {"action": action, "format": "auto", "text": ""} | fields)


def shown(response: Any, status: int = 200) -> str:
    """Return the words of a page."""
    assert response.status_code == status
    return unescape(response.content.decode())


def test_a_pasted_text_is_previewed_and_nothing_is_created(home: HomePage, editor: Client) -> None:
    response = send(editor, text=LETTER)
    page = shown(response)
    for words in PARAGRAPHS:
        assert f"<p>{words}</p>" in response.content.decode(), "not as escaped markup"
    places = [page.index(words, page.index("Title and introduction")) for words in PARAGRAPHS]
    assert places == sorted(places)
    assert "Line 1: The title says “Throot”" in page
    assert page.count("heading missing") == 4, "in the list, and at both sections"
    assert "4 sections, 86 words" in " ".join(page.split())
    assert "From line 13" in page
    (slug,) = values(page, "input", "value", name="slug")
    assert slug == "what-helps-against-a-sore-throot"
    assert not ArticlePage.objects.exists()


def test_the_preview_makes_a_draft_and_opens_it(home: HomePage, editor: Client) -> None:
    page = send(editor, text=LETTER).content.decode()
    (text,) = values(page, "input", "value", name="text")
    (source_format,) = values(page, "input", "value", name="format")
    response = send(editor, "create", text=text, format=source_format, slug="throats")
    article = ArticlePage.objects.get()
    assert response.url == f"/admin/pages/{article.pk}/edit/"
    assert (article.title, article.slug, article.live) == (TITLE, "throats", False)
    assert [part.text for part in article.parts] == PARAGRAPHS[1:]
    assert article.owner is not None
    assert article.owner.get_username() == "edith"
    assert "was imported as a draft" in shown(editor.get(response.url))


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("letter.txt", LETTER, TITLE),
        ("letter.md", "# Sleep\n\nWords.", "Sleep"),
        ("letter", "# Sleep\n\nWords.", "Sleep"),
        ("LETTER.MARKDOWN", "\ufeff# Sleep\r\n\r\nWords.", "Sleep"),
    ],
)
def test_a_file_is_read_by_its_kind(
    name: str, text: str, title: str, home: HomePage, editor: Client
) -> None:
    page = shown(send(editor, file=SimpleUploadedFile(name, text.encode())))
    assert f'<h3 class="w-h2">{title}</h3>' in page


def test_a_chosen_format_is_kept_to(home: HomePage, editor: Client) -> None:
    page = shown(send(editor, text="# Sleep\n\nWords.", format="text"))
    assert '<h3 class="w-h2"># Sleep</h3>' in page


def test_back_brings_the_text_again(home: HomePage, editor: Client) -> None:
    page = shown(send(editor, "back", text=LETTER, format="text"))
    assert LETTER in page.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Choose a file, or paste a text."),
        ("A title alone", "Line 1: There is a title, but no text"),
        ("Title\n\nWith \x07 bell.", "Line 3: This is not plain text"),
        ("Title\n\nWith \0 in it.", "Line 3: This is not plain text"),
    ],
)
def test_what_is_refused_is_told_and_the_text_is_in_the_form_again(
    text: str, reason: str, home: HomePage, editor: Client
) -> None:
    page = shown(send(editor, text=text))
    assert "Nothing was created." in page
    assert reason in page
    assert text in page
    assert not ArticlePage.objects.exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "Line 2: This is not a text file"),
        (b"", "The submitted file is empty."),
        ("Title\n\nnaïve".encode("latin-1"), "Line 3: This is not UTF-8"),
        (b"x" * (LARGEST_SOURCE + 1), "is over 5 MB"),
    ],
)
def test_a_file_that_is_none_is_refused(
    data: bytes, reason: str, home: HomePage, editor: Client
) -> None:
    page = shown(send(editor, file=SimpleUploadedFile("x.txt", data)))
    assert reason in page
    assert not ArticlePage.objects.exists()


def test_a_file_beside_a_text_keeps_the_text(home: HomePage, editor: Client) -> None:
    page = shown(send(editor, text=LETTER, file=SimpleUploadedFile("x.txt", b"Other\n\nWords.")))
    assert "There is a file and pasted text." in page
    assert LETTER in page.replace("\r\n", "\n")


def test_five_megabytes_may_be_pasted_and_more_is_told_with_the_text_kept(
    home: HomePage, editor: Client
) -> None:
    text = "Title\n\n" + ("word " * 99 + "end.\n\n") * 9_980
    assert len(text) < LARGEST_SOURCE
    assert "Title and introduction" in shown(send(editor, text=text))
    page = shown(send(editor, text=text + "x" * 100_000))
    assert "The text is over 5 MB" in page
    assert text[:1000] in page


def test_what_is_too_much_to_read_gets_a_sentence(home: HomePage, editor: Client) -> None:
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=10_000):
        page = shown(send(editor, text=LETTER * 30), 413)
    assert "What was sent is too large" in page
    assert "Nothing was created." in page


def test_a_second_create_is_refused_with_a_link_to_the_first(
    home: HomePage, editor: Client
) -> None:
    for _ in range(2):
        response = send(editor, "create", text=LETTER, slug="throats")
    first = ArticlePage.objects.get()
    page = shown(response)
    assert "The address “throats” is in use by" in page
    assert f'href="/admin/pages/{first.pk}/edit/"' in page
    assert values(page, "input", "value", name="slug") == ["throats"]
    assert values(page, "input", "value", name="text")[0].replace("\r\n", "\n") == LETTER


@pytest.mark.parametrize("slug", ["", "admin", "a b", "../x", "<b>"])
def test_an_address_that_cannot_be_is_refused(slug: str, home: HomePage, editor: Client) -> None:
    page = shown(send(editor, "create", text=LETTER, slug=slug))
    assert "Nothing was created." in page
    assert not ArticlePage.objects.exists()


def test_the_preview_shows_no_markup_of_the_source(home: HomePage, editor: Client) -> None:
    evil = (
        "# T\n\n<script>alert(1)</script><img src=x onerror=alert(1)>\n\n[x](javascript:alert(1))"
    )
    page = send(editor, text=evil).content.decode()
    preview = page[page.index("Title and introduction") :]
    assert "<script>alert" not in page
    assert "onerror" not in preview
    assert "javascript:" not in preview.split("</form>")[0].split("Noticed")[-1]


def test_only_who_may_add_an_article_may_import(home: HomePage, reader: Client) -> None:
    assert reader.get(ADDRESS).status_code == 302
    assert send(reader, "create", text=LETTER, slug="x").status_code == 302
    assert not ArticlePage.objects.exists()


def test_a_form_from_elsewhere_is_refused(home: HomePage, editor: Client) -> None:
    strict = Client(
        enforce_csrf_checks=True, headers={"user-agent": READER, "host": "127.0.0.1:8000"}
    )
    strict.cookies = editor.cookies
    assert send(strict, "create", text=LETTER, slug="x").status_code == 403
    assert not ArticlePage.objects.exists()


def test_the_import_is_offered_in_the_menu_and_at_the_home_page(
    home: HomePage, editor: Client
) -> None:
    assert ADDRESS in editor.get("/admin/").content.decode()
    page = editor.get(f"/admin/pages/{home.pk}/").content.decode()
    assert page.count(ADDRESS) >= 2, "the menu's and the header's"


def test_an_article_is_exported_from_the_editor_and_the_explorer(
    home: HomePage, editor: Client
) -> None:
    article = add_article(home, section("Why", "Words."), slug="schlafträume")
    address = f"/admin/articles/{article.pk}/export/"
    for page in (f"/admin/pages/{article.pk}/edit/", f"/admin/pages/{home.pk}/"):
        assert address in editor.get(page).content.decode()
    response = editor.get(address)
    assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="schlaftrume.md"'
    assert "## Why\n\nWords." in response.content.decode()


def test_only_who_may_edit_an_article_may_export_it(home: HomePage, reader: Client) -> None:
    article = add_draft(home)
    assert reader.get(f"/admin/articles/{article.pk}/export/").status_code == 302


def test_the_import_page_asks_few_questions_of_the_database(
    home: HomePage, editor: Client, django_assert_max_num_queries: Any
) -> None:
    editor.get(ADDRESS)
    with django_assert_max_num_queries(25):
        send(editor, text=LETTER)
