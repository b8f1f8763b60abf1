from sharing.networks.base import Composition
from sharing.networks.line import Line


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Line.slug, Line.name, Line.suffix) == ("line", "LINE", "ln")


def test_the_composer_gets_the_url_alone() -> None:
    assert Line().composer_url(Composition("https://h.example/", "Salt & sugar", "A pinch.")) == (
        "https://social-plugins.line.me/lineit/share?url=https%3A%2F%2Fh.example%2F"
    )
