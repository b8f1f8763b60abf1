from hypothesis import given
from hypothesis import strategies as st

from sharing.networks.base import Composition
from sharing.networks.text import graphemes, plain, shorten


def test_a_title_becomes_one_line_of_plain_words() -> None:
    assert plain("  Heart\r\n\thealth\x00 \u202enow\u202c\u2028 ") == "Heart health now"


def test_joined_emoji_and_the_marks_of_right_to_left_scripts_stay() -> None:
    assert plain("👨‍👩‍👧 می‌خواهم \u200f!") == "👨‍👩‍👧 می‌خواهم \u200f!"


def test_a_composition_is_plain_whatever_went_in() -> None:
    composition = Composition("https://health.example/", "One\ntwo", "Three\x00")
    assert (composition.title, composition.text) == ("One two", "Three")


def test_a_text_that_fits_is_left_alone() -> None:
    assert shorten("Heart health", 12) == "Heart health"
    assert shorten("", -1) == ""


def test_a_long_text_ends_at_a_word_and_an_ellipsis() -> None:
    assert shorten("Heart health for all", 15) == "Heart health…"
    assert shorten("Heart health for all", 13) == "Heart health…"
    assert shorten("Heart health for all", 12) == "Heart…"


def test_no_punctuation_is_left_before_the_ellipsis() -> None:
    assert shorten("Salt, sugar and fat", 8) == "Salt…"


def test_a_text_without_spaces_is_cut_between_characters() -> None:
    assert shorten("心臓の健康について", 5) == "心臓の健…"


def test_one_short_word_is_not_all_that_is_left_of_a_long_text() -> None:
    assert shorten("A " + "x" * 100, 20) == "A " + "x" * 17 + "…"


def test_a_joined_emoji_is_kept_or_dropped_whole() -> None:
    assert shorten("👨‍👩‍👧👨‍👩‍👧", 7) == "👨‍👩‍👧…"


def test_nothing_is_left_when_nothing_fits() -> None:
    assert shorten("Heart", 1) == ""
    assert shorten("Heart", -5) == ""


@given(st.text(), st.integers(-5, 60))
def test_the_result_always_fits(text: str, room: int) -> None:
    assert len(shorten(text, room)) <= max(room, 0)


@given(st.text(alphabet="ab 👨‍👧\u0301", max_size=60), st.integers(1, 40))
def test_the_result_fits_by_graphemes_too(text: str, room: int) -> None:
    assert len(graphemes(shorten(text, room, lambda _: 1))) <= room
