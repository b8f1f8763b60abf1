from sharing.networks.base import Composition
from sharing.networks.reddit import Reddit


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Reddit.slug, Reddit.name, Reddit.suffix) == ("reddit", "Reddit", "rd")


def test_the_composer_gets_url_and_title() -> None:
    assert Reddit().composer_url(Composition("https://h.example/", "Salt & sugar", "A pinch.")) == (
        "https://www.reddit.com/submit?url=https%3A%2F%2Fh.example%2F&title=Salt%20%26%20sugar"
    )


def test_a_title_holds_300_characters() -> None:
    address = Reddit().composer_url(Composition("https://h.example/", "x" * 300))
    assert f"title={'x' * 300}" in address
    address = Reddit().composer_url(Composition("https://h.example/", "x" * 301))
    assert f"title={'x' * 299}%E2%80%A6" in address


def test_it_gets_the_pages_own_address() -> None:
    assert not Reddit.takes_short_links
