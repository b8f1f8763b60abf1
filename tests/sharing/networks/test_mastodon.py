from urllib.parse import parse_qs, urlsplit

from sharing.networks.base import Composition
from sharing.networks.mastodon import Mastodon

URL = "https://health.example/s/k7Qp2ma/"


def post(title: str, url: str = URL) -> str:
    address = Mastodon().composer_url(Composition(url, title), instance="mastodon.social")
    [text] = parse_qs(urlsplit(address).query)["text"]
    return text


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Mastodon.slug, Mastodon.name, Mastodon.suffix) == ("mastodon", "Mastodon", "ma")


def test_the_composer_is_on_the_readers_own_server() -> None:
    address = Mastodon().composer_url(
        Composition("https://h.example/", "Salt & sugar"), instance="https://Troet.Cafe/"
    )
    assert address == (
        "https://troet.cafe/share?text=Salt%20%26%20sugar%0Ahttps%3A%2F%2Fh.example%2F"
    )


def test_an_international_server_is_addressed_in_punycode() -> None:
    address = Mastodon().composer_url(Composition(URL, "Title"), instance="münchen.social")
    assert urlsplit(address).netloc == "xn--mnchen-3ya.social"


def test_a_url_of_any_length_counts_as_23_of_the_500() -> None:
    url = f"https://health.example/{'x' * 1_000}"
    title = "x" * (500 - 23 - 1)
    assert post(title, url) == f"{title}\n{url}"
    assert post(f"{title}x", url) == f"{title[:-1]}…\n{url}"


def test_a_longer_title_is_shortened_at_a_word() -> None:
    text = post("word " * 100)
    assert text.endswith(f"word…\n{URL}")
    assert len(text) - len(URL) + 23 <= 500
