from sharing.networks.base import Composition
from sharing.networks.pinterest import Pinterest


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Pinterest.slug, Pinterest.name, Pinterest.suffix) == ("pinterest", "Pinterest", "pi")


def test_the_composer_gets_url_and_description() -> None:
    assert Pinterest().composer_url(
        Composition("https://h.example/", "Salt & sugar", "A pinch.")
    ) == (
        "https://www.pinterest.com/pin/create/button/?url=https%3A%2F%2Fh.example%2F&description=Salt%20%26%20sugar"
    )


def test_the_picture_is_pinned_where_there_is_one() -> None:
    composition = Composition("https://h.example/", "Salt", image_url="https://h.example/a.png")
    assert Pinterest().composer_url(composition) == (
        "https://www.pinterest.com/pin/create/button/?url=https%3A%2F%2Fh.example%2F"
        "&media=https%3A%2F%2Fh.example%2Fa.png&description=Salt"
    )


def test_a_description_holds_500_characters() -> None:
    address = Pinterest().composer_url(Composition("https://h.example/", "x" * 500))
    assert f"description={'x' * 500}" in address
    address = Pinterest().composer_url(Composition("https://h.example/", "x" * 501))
    assert f"description={'x' * 499}%E2%80%A6" in address
