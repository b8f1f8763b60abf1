from urllib.parse import parse_qs, urlsplit

from sharing.networks.base import Composition
from sharing.networks.lemmy import Lemmy


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Lemmy.slug, Lemmy.name, Lemmy.suffix) == ("lemmy", "Lemmy", "le")


def test_the_composer_is_on_the_readers_own_server() -> None:
    address = Lemmy().composer_url(
        Composition("https://h.example/", "Salt & sugar"), instance="https://Lemmy.World/"
    )
    assert address == (
        "https://lemmy.world/create_post?url=https%3A%2F%2Fh.example%2F&title=Salt%20%26%20sugar"
    )


def test_a_title_holds_200_characters() -> None:
    address = Lemmy().composer_url(
        Composition("https://h.example/", "x" * 201), instance="lemmy.world"
    )
    [title] = parse_qs(urlsplit(address).query)["title"]
    assert title == "x" * 199 + "…"
