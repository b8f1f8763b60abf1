from sharing.networks.base import Composition
from sharing.networks.hackernews import HackerNews


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (HackerNews.slug, HackerNews.name, HackerNews.suffix) == (
        "hackernews",
        "Hacker News",
        "hn",
    )


def test_the_composer_gets_url_and_title() -> None:
    assert HackerNews().composer_url(
        Composition("https://h.example/", "Salt & sugar", "A pinch.")
    ) == (
        "https://news.ycombinator.com/submitlink?u=https%3A%2F%2Fh.example%2F&t=Salt%20%26%20sugar"
    )


def test_a_title_holds_80_characters() -> None:
    address = HackerNews().composer_url(Composition("https://h.example/", "x" * 80))
    assert f"t={'x' * 80}" in address
    address = HackerNews().composer_url(Composition("https://h.example/", "x" * 81))
    assert f"t={'x' * 79}%E2%80%A6" in address


def test_it_gets_the_pages_own_address() -> None:
    assert not HackerNews.takes_short_links
