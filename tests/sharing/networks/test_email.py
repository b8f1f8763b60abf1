from urllib.parse import parse_qs, urlsplit

from sharing.networks.base import Composition
from sharing.networks.email import Email

URL = "https://health.example/s/k7Qp2em/"


def fields(title: str, text: str = "") -> dict[str, list[str]]:
    return parse_qs(urlsplit(Email().composer_url(Composition(URL, title, text))).query)


def test_its_name_and_the_suffix_in_links_already_posted_stay() -> None:
    assert (Email.slug, Email.name, Email.suffix) == ("email", "E-mail", "em")


def test_the_address_names_no_recipient() -> None:
    assert Email().composer_url(Composition("https://h.example/", "Salt & sugar")) == (
        "mailto:?subject=Salt%20%26%20sugar"
        "&body=Salt%20%26%20sugar%0D%0A%0D%0Ahttps%3A%2F%2Fh.example%2F"
    )


def test_the_body_is_title_blank_line_text_and_url() -> None:
    [body] = fields("Heart health", "What keeps a heart well.")["body"]
    assert body == f"Heart health\r\n\r\nWhat keeps a heart well.\r\n{URL}"


def test_a_title_cannot_add_a_header() -> None:
    sent = fields("Hello\r\nBcc: victim@h.example\n&bcc=victim@h.example", "Text\r\n.\r\n")
    assert sent.keys() == {"subject", "body"}
    assert sent["subject"] == ["Hello Bcc: victim@h.example &bcc=victim@h.example"]
    assert sent["body"][0].count("\r\n") == 3


def test_title_and_text_without_end_are_shortened_at_a_word() -> None:
    sent = fields("word " * 1_000, "more " * 1_000)
    assert sent["subject"][0].endswith("word…")
    assert f"more…\r\n{URL}" in sent["body"][0]
