from urllib.parse import parse_qs, urlsplit

from sharing.networks.base import Composition
from sharing.networks.x import X

URL = "https://health.example/s/k7Qp2xx/"
ROOM = 280 - 23 - 1


def text(title: str) -> str:
    [value] = parse_qs(urlsplit(X().composer_url(Composition(URL, title))).query)["text"]
    return value


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (X.slug, X.name, X.suffix) == ("x", "X", "xx")


def test_the_composer_gets_title_and_url_apart() -> None:
    assert X().composer_url(Composition("https://h.example/", "Salt & sugar")) == (
        "https://x.com/intent/tweet?text=Salt%20%26%20sugar&url=https%3A%2F%2Fh.example%2F"
    )


def test_latin_letters_weigh_one() -> None:
    assert text("x" * ROOM) == "x" * ROOM
    # The ellipsis weighs 2, so one letter too many takes two more with it.
    assert text("x" * (ROOM + 1)) == "x" * (ROOM - 2) + "…"


def test_chinese_characters_and_emoji_weigh_two() -> None:
    assert text("心" * (ROOM // 2)) == "心" * (ROOM // 2)
    assert text("心" * (ROOM // 2 + 1)) == "心" * (ROOM // 2 - 1) + "…"
    assert text("😀" * (ROOM // 2 + 1)) == "😀" * (ROOM // 2 - 1) + "…"


def test_a_letter_and_its_accent_are_sent_and_weighed_as_one() -> None:
    assert text("e\u0301" * ROOM) == "é" * ROOM


def test_a_long_title_is_shortened_at_a_word() -> None:
    shortened = text("word " * 100)
    assert shortened.endswith("word…")
    assert len(shortened) + 1 <= ROOM
