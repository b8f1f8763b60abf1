"""Texts with variables: filled, shortened, refused, and edited again as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.networks.posting.bluesky import LIMITS
from sharing.networks.posting.lengths import TextRule, measure
from sharing.posting import templates
from sharing.posting.templates import UnknownVariable, Words, check, editable, fill

LINK = "https://health.example/s/abcdefghjkm/"
ROOM = TextRule(5000)
WORDS = Words("Why we sleep", "Sleep", "Why we sleep", "What sleep is for.", "Healthsite")


def filled(template: str, words: Words = WORDS, rule: TextRule = ROOM, **more: str) -> str:
    return fill(template, words, link=LINK, rule=rule, **more)


def test_every_variable_stands_for_what_it_says() -> None:
    text = filled("{title}|{article}|{section}|{summary}|{site}|{link}")
    assert text == f"Why we sleep|Sleep|Why we sleep|What sleep is for.|Healthsite|{LINK}"


def test_a_text_without_the_link_gets_it_at_its_end() -> None:
    assert filled("Read on:") == f"Read on: {LINK}"
    assert filled("Read on:\nnow  ") == f"Read on:\nnow\n\n{LINK}"
    assert filled("{title}").endswith(LINK)


def test_an_unknown_variable_is_named_together_with_the_known_ones() -> None:
    with pytest.raises(UnknownVariable) as refused:
        filled("{titel} {author} {titel} {link}")
    assert refused.value.names == ["titel", "author"]
    for name in templates.VARIABLES:
        assert f"{{{name}}}" in str(refused.value)


@pytest.mark.parametrize("text", ["{}", "{ }", "{Title}", "{title.upper}", "{0}", "{link!r}"])
def test_only_the_plain_names_are_variables(text: str) -> None:
    with pytest.raises(UnknownVariable):
        check(text)


def test_doubled_braces_are_braces_and_single_ones_are_left_alone() -> None:
    assert filled("{{title}} {link}") == f"{{title}} {LINK}"
    assert filled(":-{ {link}") == f":-{{ {LINK}"


def test_a_variable_that_stands_for_nothing_leaves_no_hole() -> None:
    empty = Words("Sleep", "Sleep", "", "", "Healthsite")
    assert filled("{title}\n\n{summary}\n\n{link}", empty) == f"Sleep\n\n{LINK}"


def test_what_a_variable_stands_for_is_not_looked_through_for_variables() -> None:
    sly = Words("{link} {secret} {{", "Sleep", "", "", "Healthsite")
    assert filled("{title} {link}", sly) == f"{{link}} {{secret}} {{{{ {LINK}"


def test_a_long_value_is_shortened_at_a_word_and_the_link_never_is() -> None:
    long = Words("Why we sleep", "Sleep", "", "A summary of many words. " * 100, "Healthsite")
    text = filled("{title}\n\n{summary}\n\n{link}", long, LIMITS.text)
    assert measure(text, LIMITS.text).fits(LIMITS.text)
    assert measure(text, LIMITS.text).units > 280, "as much as fits is kept"
    title, summary, link = text.split("\n\n")
    assert (title, link) == ("Why we sleep", LINK)
    assert summary.endswith("…")
    assert summary.removesuffix("…").split()[-1] in {
        "A",
        "summary",
        "of",
        "many",
        "words",
        "words.",
    }


def test_the_title_is_shortened_only_once_the_summary_is_gone() -> None:
    long = Words("word " * 100, "Sleep", "", "summary " * 100, "Healthsite")
    text = filled("{title}\n\n{summary}\n\n{link}", long, LIMITS.text)
    assert measure(text, LIMITS.text).fits(LIMITS.text)
    assert "summary" not in text
    assert text.startswith("word word")
    assert text.endswith(LINK)


def test_words_without_spaces_and_families_of_emoji_are_cut_between_characters() -> None:
    family = "👩‍👩‍👧‍👦"
    for value in ("睡眠" * 400, family * 400):
        text = filled("{summary} {link}", Words("T", "T", "", value, "S"), LIMITS.text)
        assert measure(text, LIMITS.text).fits(LIMITS.text)
        assert text.endswith(f"… {LINK}")
        assert set(text.removesuffix(f"… {LINK}").replace(family, "")) <= set("睡眠")


def test_a_warning_takes_its_room_where_it_counts() -> None:
    rule = TextRule(100, warning_counts=True)
    text = filled(
        "{summary} {link}", Words("T", "T", "", "word " * 60, "S"), rule, warning="x" * 30
    )
    assert measure(text, rule, warning="x" * 30).fits(rule)


def test_what_an_editor_wrote_too_long_is_left_to_be_refused() -> None:
    written = "word " * 100
    assert filled(written, rule=LIMITS.text) == f"{written.strip()} {LINK}"


@given(
    st.text(st.sampled_from("ab{} \nlink"), max_size=40),
    st.text(st.sampled_from("{} a"), max_size=9),
)
def test_a_post_that_is_edited_and_saved_unchanged_stays_the_same(before: str, after: str) -> None:
    text = f"{before}{LINK}{after}".strip()
    assert filled(editable(text, LINK)) == text
