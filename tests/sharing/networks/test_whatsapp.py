from sharing.networks.base import Composition
from sharing.networks.whatsapp import WhatsApp


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (WhatsApp.slug, WhatsApp.name, WhatsApp.suffix) == ("whatsapp", "WhatsApp", "wa")


def test_the_message_is_title_and_url_and_names_no_number() -> None:
    assert WhatsApp().composer_url(Composition("https://h.example/", "Salt & sugar")) == (
        "https://wa.me/?text=Salt%20%26%20sugar%0Ahttps%3A%2F%2Fh.example%2F"
    )


def test_a_title_without_end_is_shortened_at_a_word() -> None:
    address = WhatsApp().composer_url(Composition("https://h.example/", "word " * 1_000))
    assert "word%E2%80%A6%0Ahttps%3A" in address
