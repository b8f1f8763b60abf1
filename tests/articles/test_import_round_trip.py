"""What is exported is read back word by word and part by part, however nasty the words are."""

import re
from dataclasses import replace

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from articles.blocks import CareLevel, HealthAspect
from articles.importing.imported import (
    ImportedArticle,
    ImportedCallout,
    ImportedCareCard,
    ImportedFigure,
    ImportedReference,
    ImportedSection,
    ImportedShareCall,
    ImportedText,
)
from articles.importing.markdown import read_markdown
from articles.importing.plain_text import read_plain_text
from articles.importing.rich_text import LISTS, Kind, Passage, Run, html_from, passages, tidy
from articles.importing.source import ImportRefused, source_from_text
from articles.importing.writer import write_markdown

NASTY = [
    "*", "**", "***", "_", "__", "_a_", "*b*", "**c**.", "`", "``", "~~~", "#", "##", "+", "-", "--", "---",
    "===", "1.", "2)", "10.", "> x", ">", "<b>", "</b>", "<script>", "<!--", "-->", "&amp;", "&#39;", "&",
    "&copy", "\\", "\\\\", "\\*", "|", "a|b", "|---|", ":-:", "[x](y)", "[", "]", "[x]:", "![y]", "[!note]",
    "[!share]", "{#id}", "{", "}", "!", "http://a_b.c/d_e", "snake_case_word", "5*3*2", "won't", "“so”",
    "naïve", "日本", "שלום", "👩‍⚕️", "\u00a0", "---\n", "x\ny", "\t", "Summary:", "$x$", "~", "^", "=",
]  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(NASTY),
    st.text(alphabet="ab*_`[]()<>\\#|-+.1! &~{}:\"'", min_size=1, max_size=6),
    st.text(
        alphabet=st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=6
    ),
)  # fmt: skip
SENTENCE = st.lists(WORDS, min_size=1, max_size=5).map(lambda words: " ".join(words))
ONE_LINE = SENTENCE.map(lambda text: " ".join(text.split())).filter(bool)
ADDRESS = st.sampled_from(
    ["https://example.org/a_b?c=d&copy;=1", "mailto:a@example.org", "/x/(y)", "#z", "http://e.org/<>\"' x"]
)  # fmt: skip
RUNS = st.lists(
    st.builds(Run, SENTENCE, st.booleans(), st.booleans(), st.one_of(st.just(""), ADDRESS)),
    min_size=1,
    max_size=4,
).map(tidy)


def text_of(kinds: list[Kind]) -> st.SearchStrategy[tuple[Passage, ...]]:
    """Return passages in the one form in which they are stored."""
    passage = st.builds(Passage, st.sampled_from(kinds), RUNS, st.integers(0, 3))
    # Through the stored HTML, which knows no jump in depth and no empty paragraph.
    return st.lists(passage, max_size=5).map(
        lambda found: passages(
            html_from(
                [
                    p if p.kind in LISTS else Passage(p.kind, p.runs)
                    for p in found
                    if p.runs
                ]
            )
        )
    )  # fmt: skip


SHORT = text_of([Kind.PARAGRAPH, Kind.BULLET, Kind.NUMBER])
LONG = text_of(list(Kind))
SECTION = st.builds(
    ImportedSection,
    heading=st.one_of(st.just(""), ONE_LINE),
    slug=st.sampled_from(["", "a-slug", "träume"]),
    aspect=st.sampled_from(["", *HealthAspect.values]),
    summary=st.one_of(st.just(""), ONE_LINE),
    body=st.lists(
        st.one_of(
            st.builds(ImportedText, LONG.filter(bool)),
            st.builds(
                ImportedFigure, st.sampled_from(["https://e.org/media/a.png"]), ONE_LINE | st.just(""),
                ONE_LINE | st.just(""),
            ),
        ),
        max_size=3,
    ).map(tuple),
    references=st.lists(
        st.builds(
            ImportedReference, ONE_LINE, st.sampled_from(["", "https://doi.org/10.1/(a)_b"]),
            st.sampled_from(["", "doi:10.1/a_b", "a`b", "PMID *1*"]),
        ),
        max_size=3,
    ).map(tuple),
)  # fmt: skip
BLOCK = st.one_of(
    SECTION,
    st.builds(ImportedCareCard, st.sampled_from(list(CareLevel)), ONE_LINE, SHORT),
    st.builds(ImportedCallout, ONE_LINE | st.just(""), SHORT),
    st.builds(ImportedShareCall, ONE_LINE.filter(lambda text: len(text) <= 120)),
)
ARTICLE = st.builds(
    ImportedArticle,
    title=ONE_LINE,
    introduction=SHORT,
    blocks=st.lists(BLOCK, max_size=4).map(tuple),
    slug=st.just("a-slug"),
    standfirst=st.one_of(st.just(""), SENTENCE.map(str.strip)),
    search_title=st.one_of(st.just(""), ONE_LINE),
    search_description=st.one_of(st.just(""), ONE_LINE),
    reviewed_on=st.one_of(st.none(), st.dates()),
    reviewed_by=st.one_of(st.just(""), ONE_LINE),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(ARTICLE)
def test_an_exported_article_is_read_back_the_same(article: ImportedArticle) -> None:
    assume(article.introduction or article.blocks or article.standfirst)
    written = write_markdown(article)
    assert read_markdown(source_from_text(written)) == article, written


LINE = st.lists(WORDS, min_size=1, max_size=12).map(lambda words: " ".join(" ".join(words).split()))
TEXT = st.lists(
    st.tuples(LINE.filter(bool), st.integers(0, 3)), min_size=1, max_size=8
).map(lambda lines: "A title\n\n" + "".join(line + "\n" * (gap + 1) for line, gap in lines))  # fmt: skip
# Marks of lists, which are no words: an editor shows them again.
MARK = re.compile(r"[-*•]|\d{1,3}[.)]")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(TEXT)
@example("A title\n\n# x\n\n\n* y\n\n1. z\n_a_ <b> \\ `")
def test_a_plain_text_keeps_its_words_through_import_export_and_import(text: str) -> None:
    source = source_from_text(text)
    first = replace(read_plain_text(source), slug="a-slug")
    assert words(" ".join([first.title, *first.texts()])) == words(source.text)
    second = read_markdown(source_from_text(write_markdown(first)))
    assert second == first


def words(text: str) -> list[str]:
    """Return a text's words in order."""
    return [word for word in text.split() if not MARK.fullmatch(word)]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(LINE.filter(bool), min_size=1, max_size=6))
def test_any_markdown_that_is_taken_comes_back_the_same(lines: list[str]) -> None:
    text = "# A title\n\n" + "\n\n".join(lines)
    try:
        first = replace(read_markdown(source_from_text(text)), slug="a-slug")
    except ImportRefused:
        return
    assert read_markdown(source_from_text(write_markdown(first))) == first
