from sharing.networks.base import Composition
from sharing.networks.flipboard import Flipboard


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Flipboard.slug, Flipboard.name, Flipboard.suffix) == ("flipboard", "Flipboard", "fl")


def test_the_composer_gets_title_and_url() -> None:
    assert Flipboard().composer_url(
        Composition("https://h.example/", "Salt & sugar", "A pinch.")
    ) == (
        "https://share.flipboard.com/bookmarklet/popout"
        "?v=2&title=Salt%20%26%20sugar&url=https%3A%2F%2Fh.example%2F"
    )


def test_a_long_title_is_shortened() -> None:
    address = Flipboard().composer_url(Composition("https://h.example/", "x" * 300))
    assert f"title={'x' * 300}" in address
    address = Flipboard().composer_url(Composition("https://h.example/", "x" * 301))
    assert f"title={'x' * 299}%E2%80%A6" in address
