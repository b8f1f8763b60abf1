from sharing.networks.base import Composition
from sharing.networks.tumblr import Tumblr


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Tumblr.slug, Tumblr.name, Tumblr.suffix) == ("tumblr", "Tumblr", "tu")


def test_the_composer_makes_a_link_post() -> None:
    assert Tumblr().composer_url(Composition("https://h.example/", "Salt & sugar", "A pinch.")) == (
        "https://www.tumblr.com/widgets/share/tool?posttype=link&canonicalUrl=https%3A%2F%2Fh.example%2F"
        "&title=Salt%20%26%20sugar&caption=A%20pinch."
    )


def test_a_long_title_is_shortened() -> None:
    address = Tumblr().composer_url(Composition("https://h.example/", "x" * 250))
    assert f"title={'x' * 250}" in address
    address = Tumblr().composer_url(Composition("https://h.example/", "x" * 251))
    assert f"title={'x' * 249}%E2%80%A6" in address
