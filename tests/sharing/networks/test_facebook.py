from sharing.networks.base import Composition
from sharing.networks.facebook import Facebook


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Facebook.slug, Facebook.name, Facebook.suffix) == ("facebook", "Facebook", "fb")


def test_the_composer_gets_the_url_alone() -> None:
    assert Facebook().composer_url(Composition("https://h.example/?a=1&b=2", "Title", "Text")) == (
        "https://www.facebook.com/sharer/sharer.php?u=https%3A%2F%2Fh.example%2F%3Fa%3D1%26b%3D2"
    )
