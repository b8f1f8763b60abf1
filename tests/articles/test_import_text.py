"""An article from plain text, through the command; nothing of it lost, moved or invented."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from articles import actions
from articles.importing.imported import ImportedArticle, ImportedSection, ImportedShareCall
from articles.importing.plain_text import read_plain_text
from articles.importing.rich_text import plain
from articles.importing.source import (
    LARGEST_SOURCE,
    ImportRefused,
    source_from_bytes,
    source_from_text,
)
from articles.models import ArticlePage, HomePage
from articles.outline import plain_text
from tests.factories import add_article

pytestmark = pytest.mark.any_database

# A slip in the title, a first and a third section whose headings were lost, a call to share at the end.
LETTER = """What Helps Against a Sore Throot?

A sore throat is a common thing in winter. Cold air, dust and a cold are often behind it.


Warm drinks soothe a throat for a while. Honey in tea is an old remedy.

Rest

Talk less for a day or two. A throat that rests heals sooner.


Dry air makes a throat worse. A bowl of water in the room may help.

Seeing a doctor

If you cannot swallow, ask a doctor today.

Love this? Why not sharing it?"""
TITLE = "What Helps Against a Sore Throot?"
PARAGRAPHS = [line for line in LETTER.splitlines()[1:] if line.endswith(".")]


def read(text: str) -> ImportedArticle:
    """Return what is understood of a text."""
    return read_plain_text(source_from_text(text))


def outline(article: ImportedArticle) -> list[tuple[str, str]]:
    """Return each section's heading and words."""
    return [
        (section.heading, " ".join(plain(child.passages) for child in section.body))  # type: ignore[union-attr]  # text alone
        for section in article.sections
    ]


def run(*arguments: str, capsys: Any = None) -> str:
    """Run the import; return what it said."""
    call_command("import_article", *arguments)
    return capsys.readouterr().out if capsys else ""


@pytest.fixture
def letter(tmp_path: Path) -> str:
    """Return a file with an article of the owner's shape."""
    file = tmp_path / "letter.txt"
    file.write_text(LETTER, encoding="utf-8")
    return str(file)


@pytest.mark.django_db
def test_title_introduction_sections_and_call_stand_in_the_order_of_the_file(
    home: HomePage, letter: str
) -> None:
    run(letter)
    article = ArticlePage.objects.get()
    assert article.title == TITLE
    assert plain_text(article.introduction) == PARAGRAPHS[0]
    *sections, call = article.body
    assert [block.value["heading"] for block in sections] == ["", "Rest", "", "Seeing a doctor"]
    assert [part.text for part in article.parts] == PARAGRAPHS[1:]
    assert call.block_type == "share_call"
    assert call.value["text"] == "Love this? Why not sharing it?"
    assert not article.live
    article.body.stream_block.clean(article.body)
    article.full_clean()


@pytest.mark.django_db
def test_the_command_says_what_is_to_mend_and_changes_none_of_it(
    home: HomePage, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = run(letter, capsys=capsys)
    assert "draft: “What Helps Against a Sore Throot?”, 4 sections" in said
    assert "Line 1: The title says “Throot”" in said
    assert "Is “Throat” meant?" in said
    assert "Line 6: Part 1: heading missing" in said
    assert "Line 13: Part 3: heading missing" in said
    assert "Line 19: “Love this? Why not sharing it?” was taken as the call to share." in said


@pytest.mark.django_db
def test_publish_publishes_and_slug_names_the_address(
    home: HomePage, letter: str, reader: Any
) -> None:
    run(letter, "--publish", "--slug", "throats")
    assert ArticlePage.objects.get().live
    assert "Honey in tea" in reader.get("/throats/").content.decode()
    assert reader.get("/throats/rest/").status_code == 200


VARIANTS = {
    "CRLF": LETTER.replace("\n", "\r\n"),
    "CR": LETTER.replace("\n", "\r"),
    "a byte order mark": "\ufeff" + LETTER,
    "blanks at the ends of lines": LETTER.replace("\n", " \t\n"),
    "no-break spaces on blank lines": LETTER.replace("\n\n", "\n\u00a0\n"),
    "more blank lines": LETTER.replace("\n\n\n", "\n\n\n\n\n"),
    "a blank beginning and end": "\n\n" + LETTER + "\n\n\n",
    "a page break": LETTER.replace("\n\n\n", "\n\f\n\n"),
}


@pytest.mark.parametrize("text", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_same_article_is_read_however_its_lines_end(text: str) -> None:
    assert read_plain_text(source_from_bytes(text.encode())) == read(LETTER)


def test_without_any_section_all_is_introduction() -> None:
    article = read("Title\n\nOne paragraph.\n\nAnd another.")
    assert plain(article.introduction) == "One paragraph. And another."
    assert article.blocks == ()


def test_a_first_section_may_come_at_once() -> None:
    assert outline(read("Title\n\nRest\n\nLie down.")) == [("Rest", "Lie down.")]
    assert outline(read("Title\n\n\nLie down.")) == [("", "Lie down.")]


def test_two_blank_lines_after_a_heading_do_not_take_its_text_away() -> None:
    assert outline(read("Title\n\nRest\n\n\nLie down.")) == [("Rest", "Lie down.")]


@pytest.mark.parametrize(
    "line",
    ["This one ends with a full stop.", "x " * 51, "- an item", "so:", "***"],
)
def test_what_is_no_heading_stays_a_paragraph(line: str) -> None:
    article = read(f"Title\n\nBegin here.\n\n{line}\n\nEnd here.")
    assert article.sections == []
    words = line.removeprefix("- ").strip()
    assert plain(article.introduction) == f"Begin here. {' '.join(words.split())} End here."


def test_a_heading_may_ask() -> None:
    assert outline(read("Title\n\nWhy rest?\n\nIt helps.")) == [("Why rest?", "It helps.")]


def test_lines_that_a_program_wrapped_are_one_paragraph() -> None:
    article = read("Title\n\nA line that\nwas wrapped\nby a program.")
    assert [passage.text for passage in article.introduction] == [
        "A line that was wrapped by a program."
    ]
    assert [str(note) for note in article.notes] == ["Line 3: 3 lines were joined to a paragraph."]


def test_lists_are_lists_and_a_year_is_no_number_of_one() -> None:
    article = read("Title\n\nTake:\n- tea\n- honey\nThen\n1. drink\n2. rest\n\n1999. A good year.")
    assert [(passage.kind.value, passage.text) for passage in article.introduction] == [
        ("p", "Take:"), ("ul", "tea"), ("ul", "honey"), ("p", "Then"), ("ol", "drink"), ("ol", "rest"),
        ("p", "1999. A good year."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "is_call"),
    [
        ("Love it? Why not sharing?", True),
        ("Share this with a friend.", True),
        ("Pass it on!", True),
        ("Never share needles.", False),
        ("Call a doctor at once!", False),
        ("So who is at risk?", False),
    ],
)
def test_a_last_line_is_the_call_to_share_only_if_it_asks_to(line: str, is_call: bool) -> None:
    article = read(f"Title\n\nWords first.\n\n{line}")
    assert (article.blocks == (ImportedShareCall(line),)) is is_call
    if not is_call:
        assert plain(article.introduction) == f"Words first. {line}"


def test_hidden_characters_that_turn_text_are_taken_out_and_told() -> None:
    article = read("Title\n\nThe dose is \u202e01\u202c mg.")
    assert plain(article.introduction) == "The dose is 01 mg."
    assert article.notes[0].line == 3


def test_markup_in_plain_text_is_words() -> None:
    article = read("Title\n\n<script>alert(1)</script> & <b>so</b> **on**.")
    assert plain(article.introduction) == "<script>alert(1)</script> & <b>so</b> **on**."


REFUSED = {
    "empty": (b"", "the text is empty"),
    "blank": (b" \n\t\r\n", "the text is empty"),
    "binary": (b"Title\n\nText\0more", "Line 3: This is not a text file"),
    "a control character": (b"Title\n\x1b[1mText", "Line 2: This is not a text file"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "Line 2: This is not a text file"),
    "latin-1": ("Title\n\nna\u00efve".encode("latin-1"), "Line 3: This is not UTF-8"),
    "UTF-16": ("Title\n\nText".encode("utf-16"), "UTF-16"),
    "cut in a letter": ("Title\n\nna\u00ef".encode()[:-1], "Line 3: This is not UTF-8"),
    "over 5 MB": (b"Title\n\n" + b"x" * LARGEST_SOURCE, "over 5 MB"),
    "one huge paragraph": (b"word " * 1000, "Line 1: There is no title: the first line has 4,999"),
    "a title alone": (b"Title\n", "Line 1: There is a title, but no text under it"),
    "signs for a title": (b"---\n\nText.", "no title: the first line has no letter"),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_is_refused_with_its_line_and_reason(
    data: bytes, reason: str, home: HomePage, tmp_path: Path
) -> None:
    file = tmp_path / "x.txt"
    file.write_bytes(data)
    with pytest.raises(CommandError, match=reason) as refusal:
        run(str(file))
    assert "nothing was created" in str(refusal.value)
    assert not ArticlePage.objects.exists()


def test_exactly_five_megabytes_are_read() -> None:
    text = "T\n\n" + ("word " * 199 + "end.\n\n") * 5000
    text = (text + "x" * LARGEST_SOURCE)[:LARGEST_SOURCE]
    assert read(text).title == "T"
    with pytest.raises(ImportRefused, match="over 5 MB"):
        source_from_text(text + "x")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--slug", "sleep"], "“sleep” is in use by “Sleep”"),
        (["--slug", "admin"], "is an address of the site itself"),
        (["--slug", "a b/c"], "cannot be an address"),
    ],
)
def test_an_address_that_cannot_be_is_refused(
    arguments: list[str], reason: str, home: HomePage, letter: str
) -> None:
    add_article(home, title="Sleep")
    with pytest.raises(CommandError, match=reason):
        run(letter, *arguments)
    assert ArticlePage.objects.count() == 1


@pytest.mark.django_db
def test_a_second_import_is_refused_for_its_address(home: HomePage, letter: str) -> None:
    run(letter)
    with pytest.raises(CommandError, match="in use"):
        run(letter)
    assert ArticlePage.objects.count() == 1


@pytest.mark.django_db
def test_a_file_of_no_known_kind_needs_a_format(home: HomePage, tmp_path: Path) -> None:
    file = tmp_path / "letter"
    file.write_text(LETTER)
    with pytest.raises(CommandError, match="--format"):
        run(str(file))
    run(str(file), "--format", "text")
    assert ArticlePage.objects.get().title == TITLE


@pytest.mark.django_db
def test_a_file_that_is_not_there_is_told(home: HomePage, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run(str(tmp_path / "nothing.txt"))


@pytest.mark.django_db
def test_headings_whose_addresses_would_clash_get_free_ones(home: HomePage, tmp_path: Path) -> None:
    file = tmp_path / "x.txt"
    words = "\n\nWords here.\n\n"
    file.write_text(f"Title{words}Rest{words}Rest{words}Share{words}Part 3{words}Rest 2{words}")
    run(str(file))
    article = ArticlePage.objects.get()
    slugs = [block.value["slug"] for block in article.body]
    assert slugs == ["rest", "rest-2", "share-section", "part-3-section", "rest-2-2"]
    article.body.stream_block.clean(article.body)


def test_a_section_without_words_is_kept() -> None:
    article = read("Title\n\nOne\n\nTwo\n\nWords.")
    assert [type(block) for block in article.blocks] == [ImportedSection, ImportedSection]
    assert outline(article) == [("One", ""), ("Two", "Words.")]


@pytest.mark.django_db
def test_an_import_counts_in_good_english_and_says_all_in_its_own_words(
    home: HomePage,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = tmp_path / "x.md"
    file.write_text("# Sleep\n\nWords.\n\n## Why\n\nOne.\n")
    caplog.clear()
    call_command("import_article", str(file))
    assert "1 section, " in capsys.readouterr().out
    assert not [each for each in caplog.records if each.name == "wagtail"]
    actions.import_article(article=read(file.read_text()), slug="again")
    assert [each for each in caplog.records if each.name == "wagtail"], "only this command is quiet"
