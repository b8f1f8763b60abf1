from sharing.networks.base import Composition
from sharing.networks.threads import Threads


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Threads.slug, Threads.name, Threads.suffix) == ("threads", "Threads", "th")


def test_the_composer_gets_title_and_url_apart() -> None:
    assert Threads().composer_url(
        Composition("https://h.example/", "Salt & sugar", "A pinch.")
    ) == (
        "https://www.threads.com/intent/post?text=Salt%20%26%20sugar&url=https%3A%2F%2Fh.example%2F"
    )


def test_a_post_holds_500_characters() -> None:
    address = Threads().composer_url(Composition("https://h.example/", "x" * 500))
    assert f"text={'x' * 500}" in address
    address = Threads().composer_url(Composition("https://h.example/", "x" * 501))
    assert f"text={'x' * 499}%E2%80%A6" in address
