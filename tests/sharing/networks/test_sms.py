from sharing.networks.base import Composition
from sharing.networks.sms import Sms


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Sms.slug, Sms.name, Sms.suffix) == ("sms", "Text message", "sm")


def test_the_message_is_title_and_url_and_names_no_number() -> None:
    assert Sms().composer_url(Composition("https://h.example/", "Salt & sugar", "A pinch.")) == (
        "sms:?&body=Salt%20%26%20sugar%20https%3A%2F%2Fh.example%2F"
    )


def test_a_long_title_is_shortened() -> None:
    address = Sms().composer_url(Composition("https://h.example/", "x" * 300))
    assert f"body={'x' * 300}" in address
    address = Sms().composer_url(Composition("https://h.example/", "x" * 301))
    assert f"body={'x' * 299}%E2%80%A6" in address
