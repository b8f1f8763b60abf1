from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from sharing.networks.base import Composition
from sharing.networks.bluesky import Bluesky
from sharing.networks.text import graphemes

URL = "https://health.example/s/k7Qp2bs/"


def post(title: str, url: str = URL) -> str:
    address = Bluesky().composer_url(Composition(url, title))
    [text] = parse_qs(urlsplit(address).query)["text"]
    return text


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Bluesky.slug, Bluesky.name, Bluesky.suffix) == ("bluesky", "Bluesky", "bs")


def test_the_composer_gets_title_and_url() -> None:
    assert Bluesky().composer_url(Composition("https://h.example/?a=1", "Salt & sugar")) == (
        "https://bsky.app/intent/compose?text=Salt%20%26%20sugar%0Ahttps%3A%2F%2Fh.example%2F%3Fa%3D1"
    )


def test_a_post_of_exactly_300_graphemes_is_whole() -> None:
    title = "x" * (300 - 1 - len(URL))
    assert post(title) == f"{title}\n{URL}"


def test_one_more_grapheme_shortens_the_title_and_never_the_url() -> None:
    title = "x" * (300 - len(URL))
    assert post(title) == f"{title[:-2]}…\n{URL}"


def test_a_longer_title_is_shortened_at_a_word() -> None:
    assert post("word " * 60).endswith(f"word…\n{URL}")


def test_graphemes_are_counted_and_not_code_points() -> None:
    title = "e\u0301" * 200
    assert post(title) == f"{title}\n{URL}"


@given(st.text(alphabet="a 心👨‍👩‍👧🇩🇪e\u0301", max_size=2_000))
def test_no_post_is_over_300_graphemes_or_3000_bytes(title: str) -> None:
    text = post(title * 20)
    assert len(graphemes(text)) <= 300
    assert len(text.encode()) <= 3_000


def test_a_url_that_fills_the_post_stands_alone() -> None:
    url = f"https://health.example/{'x' * 300}"
    assert post("Title", url) == url
