from sharing.networks.base import Composition
from sharing.networks.telegram import Telegram


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Telegram.slug, Telegram.name, Telegram.suffix) == ("telegram", "Telegram", "tg")


def test_the_composer_gets_url_and_title_apart() -> None:
    assert Telegram().composer_url(
        Composition("https://h.example/", "Salt & sugar", "A pinch.")
    ) == ("https://t.me/share/url?url=https%3A%2F%2Fh.example%2F&text=Salt%20%26%20sugar")


def test_a_title_without_end_is_shortened() -> None:
    address = Telegram().composer_url(Composition("https://h.example/", "x" * 500))
    assert f"text={'x' * 500}" in address
    address = Telegram().composer_url(Composition("https://h.example/", "x" * 501))
    assert f"text={'x' * 499}%E2%80%A6" in address
