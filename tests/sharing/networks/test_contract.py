"""What every network keeps: registering one is enough to have it tested here."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.networks import (
    NETWORKS,
    Composition,
    FederatedNetwork,
    InvalidInstance,
    Network,
    UnknownNetwork,
    network,
)

URL = "https://health.example/s/k7Qp2/?a=1&b=%C3%A9%20c#part"
INSTANCE = "mastodon.social"
NASTY = {
    "quotes": "\"Don't\" say 'cure'",
    "ampersand": "Salt & sugar&url=https://evil.example",
    "hash": "#1 cause of back pain #health",
    "percent": "50% off %0D%0A %zz",
    "plus": "Omega-3 + D",
    "line breaks": "One\r\nBcc: victim@health.example\n\ttwo\u2028three",
    "control characters": "nu\x00ll \x1b[31mred\x7f \x85",
    "lone surrogate": "half \ud83d an emoji",
    "emoji": "👨‍👩‍👧‍👦 and 🇩🇪",
    "right to left": "صحة القلب \u200fولماذا",
    "hidden reordering": "\u202eevil\u202c \u2066isolate",
    "empty": "",
    "5,000 letters": "x" * 5_000,
    "5,000 characters in words": "word " * 1_000,
    "5,000 emoji": "😀" * 5_000,
    "5,000 families": "👨‍👩‍👧‍👦 " * 5_000,
    "5,000 accents": "e" + "\u0301" * 5_000,
    "5,000 Chinese characters": "心" * 5_000,
}

every_network = pytest.mark.parametrize("each", NETWORKS, ids=lambda each: each.slug)
nasty_titles = pytest.mark.parametrize("title", NASTY.values(), ids=list(NASTY))


def compose(each: Network, composition: Composition) -> str:
    if isinstance(each, FederatedNetwork):
        return each.composer_url(composition, instance=INSTANCE)
    return each.composer_url(composition)


def fields(address: str) -> dict[str, str]:
    # A text message's address begins its query with both signs that telephones look for.
    query = urlsplit(address).query.removeprefix("&")
    parsed = parse_qs(query, strict_parsing=True, errors="strict")
    return {name: value for name, [value] in parsed.items()}


def test_readers_see_the_networks_in_a_settled_order() -> None:
    settled = ["bluesky", "mastodon", "facebook", "x", "linkedin", "whatsapp", "email"]
    assert [each.slug for each in NETWORKS if each.slug in settled] == settled


def test_no_two_networks_share_a_slug_or_a_suffix() -> None:
    assert len({each.slug for each in NETWORKS}) == len(NETWORKS)
    assert len({each.suffix for each in NETWORKS}) == len(NETWORKS)


def test_an_unknown_slug_is_refused_by_name() -> None:
    with pytest.raises(UnknownNetwork, match="myspace"):
        network("myspace")


@every_network
def test_a_network_is_found_by_its_slug(each: Network) -> None:
    assert network(each.slug) is each
    assert re.fullmatch(r"[a-z]+", each.slug)


@every_network
def test_a_suffix_is_two_letters_and_not_one_that_is_taken(each: Network) -> None:
    assert re.fullmatch(r"[a-z]{2}", each.suffix)
    assert each.suffix not in {"cl", "sh", "qr"}


@every_network
def test_a_network_cannot_be_changed(each: Network) -> None:
    with pytest.raises(AttributeError):
        each.slug = "other"  # type: ignore[misc]  # that it fails is the point


@every_network
@nasty_titles
def test_a_reader_is_sent_only_where_the_network_says(each: Network, title: str) -> None:
    parts = urlsplit(compose(each, Composition(URL, title, title)))
    assert parts.scheme in each.schemes
    allowed = {INSTANCE} if isinstance(each, FederatedNetwork) else each.hosts or {""}
    assert parts.netloc in allowed
    assert parts.fragment == ""


@every_network
@nasty_titles
def test_the_shared_url_survives_whole(each: Network, title: str) -> None:
    values = fields(compose(each, Composition(URL, title, title))).values()
    words = [word for value in values for word in value.split()]
    assert words.count(URL) == 1


@every_network
@nasty_titles
def test_the_address_is_printable_ascii_and_has_no_plus_for_a_space(
    each: Network, title: str
) -> None:
    assert re.fullmatch(r"[!-*,-~]+", compose(each, Composition(URL, title, title)))


@every_network
@nasty_titles
def test_nothing_hidden_reaches_the_network(each: Network, title: str) -> None:
    sent = unquote(compose(each, Composition(URL, title, title)), errors="strict")
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", sent)


@every_network
@nasty_titles
def test_a_title_cannot_add_a_field(each: Network, title: str) -> None:
    plain, nasty = (compose(each, Composition(URL, t, "A summary.")) for t in ("Title", title))
    assert fields(nasty).keys() <= fields(plain).keys()


@every_network
@nasty_titles
def test_no_title_makes_the_address_too_long_for_a_header(each: Network, title: str) -> None:
    assert len(compose(each, Composition(URL, title, title))) < 10_000


@every_network
@given(title=st.text(), text=st.text())
def test_any_text_at_all_can_be_shared(each: Network, title: str, text: str) -> None:
    address = compose(each, Composition(URL, title, text))
    assert address.isascii()
    assert URL in " ".join(fields(address).values())


federated = pytest.mark.parametrize(
    "each",
    [each for each in NETWORKS if isinstance(each, FederatedNetwork)],
    ids=lambda each: each.slug,
)


@federated
def test_a_federated_network_takes_the_instance_as_it_was_typed(each: FederatedNetwork) -> None:
    typed = each.composer_url(Composition(URL, "Title"), instance=" @Me@Mastodon.Social ")
    assert urlsplit(typed).netloc == INSTANCE


@federated
@pytest.mark.parametrize("instance", ["", "evil.example@127.0.0.1", "localhost", "a.b/c?d#e"])
def test_a_federated_network_sends_nobody_to_a_bad_instance(
    each: FederatedNetwork, instance: str
) -> None:
    with pytest.raises(InvalidInstance):
        each.composer_url(Composition(URL, "Title"), instance=instance)


@federated
def test_a_federated_network_guesses_nobodys_instance(each: Network) -> None:
    with pytest.raises(InvalidInstance):
        each.composer_url(Composition(URL, "Title"))
