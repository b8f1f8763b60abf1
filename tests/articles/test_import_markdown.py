"""An article from Markdown: what it can hold becomes a part of it, all other words stay as text."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from articles.importing.imported import (
    ImportedArticle,
    ImportedCallout,
    ImportedCareCard,
    ImportedReference,
    ImportedSection,
    ImportedShareCall,
    ImportedText,
)
from articles.importing.markdown import read_markdown
from articles.importing.rich_text import html_from, paragraph, plain
from articles.importing.source import ImportRefused, source_from_text
from articles.models import ArticlePage, HomePage
from tests.articles.test_editor import assert_harmless

pytestmark = pytest.mark.any_database

WHOLE = """---
slug: sleep-well
standfirst: How to sleep.
search description: "About sleep: all of it"
reviewed on: 2026-05-01
reviewed by: Dr A. Example
---

# Sleep *well*

An introduction with a [link](https://example.org/a_b).

> [!see-doctor-soon] See a doctor if it lasts
>
> Make an *appointment*:
>
> - soon
> - but calmly

## Why we sleep {#why}

> [!summary] Sleep mends.

> [!aspect] Overview

First **words**.

### A small heading

1. one
2. two
   - inner

> [!references]
>
> 1. [A book. 2020.](https://doi.org/10.1/x) `doi:10.1/x`
> 2. Another book.

> [!note]
>
> An aside.

##

A section without a heading.

> [!share] Love it? Why not share?
"""


def read(text: str) -> ImportedArticle:
    """Return what is understood of Markdown."""
    return read_markdown(source_from_text(text))


def html(markdown: str) -> str:
    """Return the rich text of a section's first text."""
    (section, *_) = read(f"# T\n\n## S\n\n{markdown}\n").sections
    return "".join(
        html_from(child.passages) for child in section.body if isinstance(child, ImportedText)
    )


def test_every_part_of_an_article_has_a_form() -> None:
    article = read(WHOLE)
    assert article.title == "Sleep well"
    assert article.slug == "sleep-well"
    assert article.standfirst == "How to sleep."
    assert article.search_description == "About sleep: all of it"
    assert str(article.reviewed_on) == "2026-05-01"
    assert article.reviewed_by == "Dr A. Example"
    card, why, note, unnamed, call = article.blocks
    assert isinstance(card, ImportedCareCard)
    assert card.heading == "See a doctor if it lasts"
    assert html_from(card.text) == (
        "<p>Make an <i>appointment</i>:</p><ul><li>soon</li><li>but calmly</li></ul>"
    )
    assert isinstance(why, ImportedSection)
    assert (why.heading, why.slug, why.summary) == ("Why we sleep", "why", "Sleep mends.")
    assert why.aspect == "OverviewHealthAspect"
    (text,) = why.body
    assert isinstance(text, ImportedText)
    assert html_from(text.passages) == (
        "<p>First <b>words</b>.</p><h3>A small heading</h3>"
        "<ol><li>one</li><li>two<ul><li>inner</li></ul></li></ol>"
    )
    assert why.references == (
        ImportedReference("A book. 2020.", "https://doi.org/10.1/x", "doi:10.1/x"),
        ImportedReference("Another book."),
    )
    assert note == ImportedCallout("", (paragraph("An aside."),))
    assert isinstance(unnamed, ImportedSection)
    assert unnamed.heading == ""
    assert call == ImportedShareCall("Love it? Why not share?")
    assert [block.line for block in article.blocks] == [13, 20, 39, 43, 47]


@pytest.mark.parametrize(
    ("markdown", "wanted"),
    [
        ("a\\\nb", "<p>a<br>b</p>"),
        ("a\nb", "<p>a b</p>"),
        ("***both***", "<p><b><i>both</i></b></p>"),
        ("`a < b`", "<p>a &lt; b</p>"),
        ("##### Deep", "<h4>Deep</h4>"),
        ("> quoted\n>\n> twice", "<p>quoted</p><p>twice</p>"),
        ("```py\nx = 1\ny\n```", "<p>py<br>x = 1<br>y</p>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "<p>a | b</p><p>1 | 2</p>"),
        ("one\n\n---\n\ntwo", "<p>one</p><p>two</p>"),
        ("![a cat](https://x.example/c.png) here", "<p>a cat here</p>"),
        ("- a\n\n  more", "<ul><li>a<br>more</li></ul>"),
        ("[x](mailto:a@example.org)", '<p><a href="mailto:a@example.org">x</a></p>'),
        ("[x](/inside/#y)", '<p><a href="/inside/#y">x</a></p>'),
        ("<https://example.org/>", '<p><a href="https://example.org/">https://example.org/</a></p>'),
        ("<b>so</b> H<sub>2</sub>O", "<p><b>so</b> H2O</p>"),
        ("<div>one</div><div>two</div>", "<p>one</p><p>two</p>"),
        ("Summary: no box", "<p>Summary: no box</p>"),
        ("> [!unheard] of\n>\n> this", "<p>[!unheard] of</p><p>this</p>"),
        ("5 \\* 3 &amp; \\<b> \\# x", "<p>5 * 3 &amp; &lt;b&gt; # x</p>"),
    ],
)  # fmt: skip
def test_markdown_becomes_what_the_editor_can_express(markdown: str, wanted: str) -> None:
    assert html(markdown) == wanted


@pytest.mark.parametrize(
    ("markdown", "note"),
    [
        ("| a | b |\n|---|---|\n| 1 | 2 |", "Line 5: A table was kept as text"),
        ("```\nx\n```", "Line 5: Code was kept as text"),
        ("> quoted", "Line 5: A quotation was kept"),
        ("see\n\n![a](https://x.example/c.png) b", "Line 7: A picture was left out"),
        ("<sub>2</sub>", "Line 5: HTML was read with care"),
        ("[x](javascript:alert(1))", "Line 5: A link was left out"),
        ("7. seven", "Line 5: This list began at 7"),
        ("##### Deep", "Line 5: A heading of this level"),
        ("> [!unheard] of", "Line 5: A box “[!unheard]” is not known"),
        ("> [!aspect] Nonsense", "Line 5: The box “[!aspect]” does not fit here"),
        ("# Another", "Line 5: An article has one title"),
        (f"## {'long ' * 40}", "Line 5: This heading has 199 characters"),
    ],
)
def test_what_was_kept_as_words_is_told_with_its_line(markdown: str, note: str) -> None:
    article = read(f"# T\n\n## S\n\n{markdown}\n")
    assert any(str(said).startswith(note) for said in article.notes), article.notes


LIMITS = {
    "heading": ("## " + "long " * 40, "long " * 40),
    "summary": ("## S\n\n> [!summary] " + "long " * 50, "long " * 50),
    "card heading": ("## S\n\nx\n\n> [!note] " + "long " * 40, "long " * 40),
    "share call": ("## S\n\nx\n\n> [!share] " + "long " * 30, "long " * 30),
    "citation": ("## S\n\nx\n\n> [!references]\n>\n> 1. " + "long " * 120, "long " * 120),
    "reference address": (
        "## S\n\nx\n\n> [!references]\n>\n> 1. [a book](ftp://x/y)", "a book"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("markdown", "words"), LIMITS.values(), ids=LIMITS.keys())
def test_what_is_too_long_for_its_field_stays_as_text(markdown: str, words: str) -> None:
    article = read(f"# T\n\n{markdown}")
    body = " ".join(
        plain(child.passages)
        for section in article.sections
        for child in section.body
        if isinstance(child, ImportedText)
    )
    assert " ".join(words.split()) in body
    assert article.notes


def test_front_matter_that_is_not_known_stays_as_text() -> None:
    article = read("---\nauthor: Jane Doe\nslug: Not a slug!\n---\n\n# T\n\nWords.")
    assert plain(article.introduction) == "Words. author: Jane Doe slug: Not a slug!"
    assert [note.line for note in article.notes] == [2, 3]


def test_a_title_may_stand_in_the_front_matter() -> None:
    assert read("---\ntitle: A title\n---\n\nWords.").title == "A title"
    both = read("---\ntitle: Another\n---\n\n# A title\n\nWords.")
    assert both.title == "A title"
    assert "title: Another" in plain(both.introduction)


def test_rules_at_the_top_are_no_front_matter() -> None:
    article = read("---\n\nSome words\n\n---\n\n# T\n\nMore.")
    assert plain(article.introduction) == "Some words More."
    assert any("above the title" in note.sentence for note in article.notes)


def test_an_introduction_has_no_headings() -> None:
    article = read("# T\n\n### Small\n\nWords.")
    assert html_from(article.introduction) == "<p><b>Small</b></p><p>Words.</p>"


def test_a_last_paragraph_elsewhere_may_be_the_call_to_share() -> None:
    article = read("# T\n\n## S\n\nWords.\n\nWhy not share this?")
    assert article.blocks[-1] == ImportedShareCall("Why not share this?")


REFUSED = {
    "no title": ("Just words.\n\n## S\n\nMore.", "no title: no line begins with “# ”"),
    "a title alone": ("# T\n", "Line 1: There is a title, but no text"),
    "a long title": (f"\n# {'x' * 256}\n\nWords.", "Line 2: The title has 256 characters"),
    "an empty title": ("#\n\nWords.", "no title"),
    "deep quotations": ("# T\n\n" + "> " * 200 + "x", "Line 3: Lists or quotations are nested"),
    "many brackets": ("# T\n\nx\n\n" + "[" * 3000, "Line 5: This paragraph has more than 2,000"),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_is_refused_with_its_line_and_reason(
    text: str, reason: str, home: HomePage, tmp_path: Path
) -> None:
    file = tmp_path / "x.md"
    file.write_text(text)
    with pytest.raises(CommandError, match=reason):
        call_command("import_article", str(file))
    with pytest.raises(ImportRefused):
        read(text)
    assert not ArticlePage.objects.exists()


EVIL = [
    "<script>alert(1)</script>",
    "x <script>alert(1)</script> y",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><p>x</p></svg>",
    "[x](javascript:alert(1))",
    "[x](JaVa&#09;Script:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="https://e.org" onclick="alert(1)" style="color:red">x</a>',
    '<a href="https://e.org"><script>alert(1)</script></a>',
    "<iframe src=//evil.example></iframe>",
    "<style>body{display:none}</style>",
    "<p onclick=alert(1)>x</p>",
    "<math><mtext></p><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<b><script>alert(1)</script></b>",
    "</script><script>alert(1)</script>",
    "`</script><script>alert(1)</script>`",
    "![x](javascript:alert(1))",
    '![" onerror="alert(1)](https://e.org/x.png)',
    '![x](https://e.org/x.png "</script><script>alert(1)</script>")',
    "<!-- <script>alert(1)</script> -->",
    "<textarea></textarea><script>alert(1)</script>",
    "<base href=//evil.example><meta http-equiv=refresh content=0>",
]


@pytest.mark.django_db
@pytest.mark.parametrize("evil", EVIL)
def test_what_runs_in_a_browser_never_reaches_a_page(
    evil: str, home: HomePage, reader: Client, tmp_path: Path
) -> None:
    file = tmp_path / "x.md"
    one_line = " ".join(evil.split("\n"))
    file.write_text(
        f"# T {one_line}\n\n{evil}\n\n> [!note] {one_line}\n>\n> {one_line}\n\n## Why {one_line} {{#why}}\n\n"
        f"> [!summary] {one_line}\n\n{evil}\n\n> [!references]\n>\n> 1. a {one_line}\n\n> [!share] {one_line}\n"
    )
    call_command("import_article", str(file), "--slug", "t", "--publish")
    for path in ("/", "/t/", "/t/why/"):
        response = reader.get(path)
        assert response.status_code == 200, path
        assert_harmless(response.content.decode())
    article = ArticlePage.objects.get()
    stored = article.introduction + "".join(
        child.value.source
        for block in article.body
        if block.block_type == "section"
        for child in block.value["body"]
    )
    tags = set(re.findall(r"<(/?[a-z0-9]+)", stored))
    assert tags <= {f"{side}{tag}" for tag in ("p", "b", "i", "a", "br", "h3", "h4", "ul", "ol", "li")
                    for side in ("", "/")}  # fmt: skip


def test_words_in_unknown_tags_stay_apart() -> None:
    words: Any = html("<table><tr><td>one</td><td>two</td></tr></table>")
    assert words == "<p>one</p><p>two</p>"
