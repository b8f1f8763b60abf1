"""What is exported from a page, and imported again, is the same article."""

from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from PIL import Image as Picture
from wagtail.documents import get_document_model
from wagtail.images import get_image_model

from articles import actions
from articles.importing.drafts import imported_from
from articles.importing.imported import ImportedArticle, ImportedFigure
from articles.importing.markdown import read_markdown
from articles.importing.source import source_from_text
from articles.models import ArticlePage, HomePage
from tests.articles.test_import_text import LETTER
from tests.factories import add_article, add_draft, edit, section

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def export(article: ArticlePage, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command writes."""
    capsys.readouterr()
    call_command("export_article", str(article.pk))
    return capsys.readouterr().out


def again(text: str, slug: str = "again") -> ArticlePage:
    """Import Markdown under another address."""
    return actions.import_article(article=read_markdown(source_from_text(text)), slug=slug)


def told(article: ArticlePage) -> ImportedArticle:
    """Return all that an article says, its address aside."""
    article.slug = "same"
    return imported_from(article)


def rich(html: str) -> list[dict[str, str]]:
    """Return a section's body of one text."""
    return [{"type": "text", "value": html}]


def test_the_starter_article_comes_back_whole(capsys: pytest.CaptureFixture[str], db: None) -> None:
    starter = actions.install_starter_content()
    assert starter is not None
    copy = again(export(starter, capsys))
    assert told(copy) == told(starter)
    assert [part.text for part in copy.parts] == [part.text for part in starter.parts]
    assert [part.slug for part in copy.parts] == [part.slug for part in starter.parts]
    assert copy.references == starter.references


def test_an_imported_letter_comes_back_whole(
    home: HomePage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text(LETTER)
    call_command("import_article", str(file))
    first = ArticlePage.objects.get()
    copy = again(export(first, capsys))
    assert told(copy) == told(first)
    words = " ".join(LETTER.split())
    assert " ".join([copy.title, *filter(None, told(copy).texts())]) == words


def test_links_to_pages_and_documents_become_absolute_and_lose_no_word(
    home: HomePage, capsys: pytest.CaptureFixture[str]
) -> None:
    other = add_draft(home, title="Other", slug="other")
    document = get_document_model().objects.create(
        title="Leaflet", file=ContentFile(b"x", "leaf.txt")
    )
    article = add_article(
        home,
        section(
            "Why",
            body=rich(
                f'<p>See <a linktype="page" id="{other.pk}">the other one</a>, '
                f'<a linktype="document" id="{document.pk}">the leaflet</a>, '
                '<a linktype="page" id="999999">what is gone</a>, '
                '<a linktype="page" id="x">what is broken</a> and '
                '<a href="https://e.org/">elsewhere</a>.</p>'
            ),
        ),
    )  # fmt: skip
    text = export(article, capsys)
    assert (
        "See [the other one](http://127.0.0.1:8000/other/), "
        f"[the leaflet](http://127.0.0.1:8000/documents/{document.pk}/leaf.txt), what is gone, "
        "what is broken and [elsewhere](https://e.org/)."
    ) in text
    assert told(again(text)) == told(article)


def test_pictures_of_the_site_are_found_again_with_words_and_others_leave_theirs(
    home: HomePage, capsys: pytest.CaptureFixture[str]
) -> None:
    buffer = BytesIO()
    Picture.new("RGB", (8, 8)).save(buffer, "PNG")
    image = get_image_model().objects.create(
        title="A cat", file=ContentFile(buffer.getvalue(), "ca t.png")
    )
    figures = [
        {
            "type": "image",
            "value": {
                "image": {"image": image.pk, "alt_text": alt, "decorative": not alt},
                "caption": caption,
            },
        }
        for alt, caption in (("A [cat]", 'Its "name" is *Tom*'), ("", ""))
    ]
    body = [*rich("<p>Before.</p>"), *figures, *rich("<p>After.</p>"), *rich("<p>Apart.</p>")]
    article = add_draft(home, section("Why", body=body))
    text = export(article, capsys)
    copy = again(text)
    assert told(copy) == told(article)
    first, second = (
        b.value["image"] for b in copy.body[0].value["body"] if b.block_type == "image"
    )
    assert (first.pk, first.contextual_alt_text, first.decorative) == (image.pk, "A [cat]", False)
    assert (second.pk, second.decorative) == (image.pk, True)

    elsewhere = again(text.replace("127.0.0.1:8000", "e.org"), "elsewhere")
    (part,) = elsewhere.parts
    assert part.text == 'Before. A [cat] Its "name" is *Tom* After. Apart.'
    assert not any(isinstance(child, ImportedFigure) for child in told(elsewhere).sections[0].body)


def test_the_newest_draft_is_exported(home: HomePage, capsys: pytest.CaptureFixture[str]) -> None:
    article = add_article(home, section("Why", "Public words."))
    edit(article, section("Why", "Newer words."), publish=False)
    assert "Newer words." in export(article, capsys)


def test_a_file_that_is_there_is_never_written_over(home: HomePage, tmp_path: Path) -> None:
    add_article(home, section("Why", "Words."), slug="sleep")
    file = tmp_path / "sleep.md"
    call_command("export_article", "sleep", str(file))
    before = file.read_text()
    assert "## Why" in before
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_article", "sleep", str(file))
    assert file.read_text() == before


@pytest.mark.parametrize("name", ["nothing", "999999", "9" * 30, ""])
def test_an_article_that_is_not_there_is_told(name: str, home: HomePage) -> None:
    with pytest.raises(CommandError, match="There is no article"):
        call_command("export_article", name)
