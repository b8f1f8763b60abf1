import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.networks.base import Composition
from sharing.networks.text import graphemes, hidden, is_blank, plain, shorten


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


@pytest.mark.parametrize(
    "text",
    [
        "Two lines\nand a\ttab",
        "👨‍👩‍👧 ❤️ 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "می‌خواهم بخوابم",
        "النوم \u200fهام\u200e!",
        "خذ \u2066Vitamin D\u2069 يوميا",
        "خذ \u2067ا \u2068b\u2069\u2069 يوميا",
        "\u202bمرحبا\u202c",
        "Soft\u00adhyphen",
    ],
)
def test_what_belongs_to_words_and_emoji_is_not_hidden(text: str) -> None:
    assert hidden(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "مرحبا \u202eevil\u202c",
        "\u202dall of it\u202c",
        "\u2067begun and never ended",
        "never begun\u2069",
        "\u2067begun here\nended there\u2069",
        "\u2067begun here\u2029ended there\u2069",
        "\u202bcrossed \u2066over\u202c\u2069",
    ],
)
def test_what_turns_other_words_around_is_hidden(text: str) -> None:
    assert "turns its direction around" in hidden(text)


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "a\x85", "\ud800", "a\rb"])
def test_control_characters_are_hidden(text: str) -> None:
    assert "control characters" in hidden(text)


def test_what_nobody_sees_is_blank_and_whatever_somebody_sees_is_not() -> None:
    for unseen in (
        "",
        " \n",
        "\u200b\u200b",
        "\u200d",
        "\ufe0f",
        "\u3164",
        "\u2800",
        "\u202e\u202c",
    ):
        assert is_blank(unseen), ascii(unseen)
    for seen in (".", "\u200ba\u200b", "❤️", "ا", "{link}"):
        assert not is_blank(seen), seen
