from sharing.networks.base import Composition
from sharing.networks.xing import Xing


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Xing.slug, Xing.name, Xing.suffix) == ("xing", "Xing", "xi")


def test_the_composer_gets_the_url_alone() -> None:
    assert Xing().composer_url(Composition("https://h.example/", "Salt & sugar", "A pinch.")) == (
        "https://www.xing.com/spi/shares/new?url=https%3A%2F%2Fh.example%2F"
    )
