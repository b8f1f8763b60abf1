from sharing.networks.base import Composition
from sharing.networks.linkedin import LinkedIn


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (LinkedIn.slug, LinkedIn.name, LinkedIn.suffix) == ("linkedin", "LinkedIn", "li")


def test_the_composer_gets_the_url_alone() -> None:
    assert LinkedIn().composer_url(Composition("https://h.example/?a=1", "Title", "Text")) == (
        "https://www.linkedin.com/sharing/share-offsite/?url=https%3A%2F%2Fh.example%2F%3Fa%3D1"
    )
