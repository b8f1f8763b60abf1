import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sharing.networks.instances import InvalidInstance, Refusal, parse_instance

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"(?=.{{4,253}}\Z)(?:{LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,59}})")


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("mastodon.social", "mastodon.social"),
        ("  Mastodon.SOCIAL ", "mastodon.social"),
        ("https://mastodon.social", "mastodon.social"),
        ("https://mastodon.social/", "mastodon.social"),
        ("HTTP://mastodon.social/", "mastodon.social"),
        ("@me@mastodon.social", "mastodon.social"),
        ("@me.too-2_@mastodon.social", "mastodon.social"),
        ("mastodon.social.", "mastodon.social"),
        ("3615.computer", "3615.computer"),
        ("social.1984.is", "social.1984.is"),
        ("münchen.social", "xn--mnchen-3ya.social"),
        ("MU\u0308NCHEN.social", "xn--mnchen-3ya.social"),
        ("xn--mnchen-3ya.social", "xn--mnchen-3ya.social"),
        ("straße.social", "xn--strae-oqa.social"),
        ("例え.みんな", "xn--r8jz45g.xn--q9jyb4c"),
        ("ｍastodon。social", "mastodon.social"),
        (f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 54}.social", None),
    ],
)
def test_a_server_is_understood_however_it_is_typed(typed: str, host: str | None) -> None:
    assert parse_instance(typed) == (host or typed)


def test_a_look_alike_is_unmasked() -> None:
    assert parse_instance("m\u0430stodon.social") == "xn--mstodon-2fg.social"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", Refusal.EMPTY),
        ("   ", Refusal.EMPTY),
        ("mastodon", Refusal.NO_DOT),
        ("localhost", Refusal.NO_DOT),
        ("localhost.", Refusal.NO_DOT),
        ("2130706433", Refusal.NO_DOT),
        ("0x7f000001", Refusal.NO_DOT),
        ("017700000001", Refusal.NO_DOT),
        ("127.0.0.1", Refusal.NUMERIC),
        ("127.0.0.1.", Refusal.NUMERIC),
        ("https://127.0.0.1/", Refusal.NUMERIC),
        ("@me@10.0.0.1", Refusal.NUMERIC),
        ("127.1", Refusal.NUMERIC),
        ("0177.0.0.1", Refusal.NUMERIC),
        ("0x7f.1", Refusal.NUMERIC),
        ("127.0.0x1", Refusal.NUMERIC),
        ("1.0x", Refusal.NUMERIC),
        ("127。0。0。1", Refusal.NUMERIC),
        ("１２７.０.０.１", Refusal.NUMERIC),
        ("①②⑦.0.0.①", Refusal.NUMERIC),
        ("mastodon.123", Refusal.NUMERIC),
        ("mastodon.x", Refusal.NUMERIC),
        ("::1", Refusal.NOT_ALONE),
        ("[::1]", Refusal.NOT_ALONE),
        ("[::ffff:127.0.0.1]", Refusal.NOT_ALONE),
        ("::ffff:7f00:1", Refusal.NOT_ALONE),
        ("[fe80::1%25eth0]", Refusal.NOT_ALONE),
        ("[127.0.0.1]", Refusal.NOT_ALONE),
        ("printer.local", Refusal.NOT_PUBLIC),
        ("app.localhost", Refusal.NOT_PUBLIC),
        ("app.localhost.", Refusal.NOT_PUBLIC),
        ("metadata.google.internal", Refusal.NOT_PUBLIC),
        ("router.lan", Refusal.NOT_PUBLIC),
        ("nas.home", Refusal.NOT_PUBLIC),
        ("nas.home.arpa", Refusal.NOT_PUBLIC),
        ("abc.onion", Refusal.NOT_PUBLIC),
        ("a.test", Refusal.NOT_PUBLIC),
        ("a.invalid", Refusal.NOT_PUBLIC),
        ("a.ｌocal", Refusal.NOT_PUBLIC),
        ("me@mastodon.social", Refusal.NOT_ALONE),
        ("https://me@mastodon.social", Refusal.NOT_ALONE),
        ("https://me:secret@mastodon.social", Refusal.NOT_ALONE),
        ("@me@mastodon.social@10.0.0.1", Refusal.NOT_ALONE),
        ("https://@me@mastodon.social", Refusal.NOT_ALONE),
        ("mastodon.social:443", Refusal.NOT_ALONE),
        ("https://mastodon.social:8443/", Refusal.NOT_ALONE),
        ("javascript:alert(1)", Refusal.NOT_ALONE),
        ("file:///etc/passwd", Refusal.NOT_ALONE),
        ("gopher://mastodon.social", Refusal.NOT_ALONE),
        ("//mastodon.social", Refusal.NOT_ALONE),
        ("https:mastodon.social", Refusal.NOT_ALONE),
        ("https://", Refusal.NOT_ALONE),
        ("https:///", Refusal.NOT_ALONE),
        ("mastodon.social/@me", Refusal.NOT_ALONE),
        ("mastodon.social//", Refusal.NOT_ALONE),
        ("mastodon.social?a=b", Refusal.NOT_ALONE),
        ("mastodon.social#a", Refusal.NOT_ALONE),
        ("mastodon.social\\@evil.com", Refusal.NOT_ALONE),
        ("https:\\\\mastodon.social", Refusal.NOT_ALONE),
        ("evil.com\\.mastodon.social", Refusal.NOT_ALONE),
        ("mastodon .social", Refusal.HIDDEN),
        ("mastodon.social evil.com", Refusal.HIDDEN),
        ("mastodon\u00a0.social", Refusal.HIDDEN),
        ("mastodon.social\r\nSet-Cookie: a=b", Refusal.HIDDEN),
        ("mastodon.social\n", Refusal.HIDDEN),
        ("mastodon\t.social", Refusal.HIDDEN),
        ("mastodon.social\x00", Refusal.HIDDEN),
        ("\u202emastodon.social", Refusal.HIDDEN),
        ("masto\u200bdon.social", Refusal.HIDDEN),
        ("masto\u00addon.social", Refusal.HIDDEN),
        ("masto\ud800don.social", Refusal.HIDDEN),
        ("mastodon..social", Refusal.NOT_A_NAME),
        (".mastodon.social", Refusal.NOT_A_NAME),
        ("mastodon.social..", Refusal.NOT_A_NAME),
        (".", Refusal.NOT_A_NAME),
        ("-mastodon.social", Refusal.NOT_A_NAME),
        ("masto_don.social", Refusal.NOT_A_NAME),
        ("masto%2edon.social", Refusal.NOT_A_NAME),
        ("<script>.social", Refusal.NOT_A_NAME),
        ("*.social", Refusal.NOT_A_NAME),
        ("xn--a.social", Refusal.NOT_A_NAME),
        ("mastodon.social／me", Refusal.NOT_A_NAME),
        ("mastodon.social：443", Refusal.NOT_A_NAME),
        ("a℀b.social", Refusal.NOT_A_NAME),
        ("😀.social", Refusal.NOT_A_NAME),
        (f"{'a' * 64}.social", Refusal.NOT_A_NAME),
        (f"{'ü' * 63}.social", Refusal.NOT_A_NAME),
        (f"{'a.' * 124}social", Refusal.TOO_LONG),
        ("a" * 1_000_000, Refusal.TOO_LONG),
    ],
)
def test_a_reader_is_told_what_is_wrong(typed: str, reason: Refusal) -> None:
    with pytest.raises(InvalidInstance) as refused:
        parse_instance(typed)
    assert refused.value.reason is reason


@pytest.mark.parametrize("reason", Refusal)
def test_a_reason_is_a_sentence_and_repeats_nothing_that_was_typed(reason: Refusal) -> None:
    assert re.fullmatch(r"[A-Z].+\.", reason)
    assert str(InvalidInstance(reason)) == reason


words = st.sampled_from(["a", "1", "0x7f", "127", "ü", "ß", "\uff53", "xn--", "social", "local"])
marks = st.sampled_from(
    [".", "\u3002", "-", "@", ":", "/", "https://", "\\", "[", "]", "%", "\u202e"]
)
pieces = st.lists(words | marks).map("".join)
names = st.lists(words).map(".".join)


@given(st.text() | pieces | names | st.text(max_size=20).map("{}.social".format))
@example("a" * 63 + ".social")
def test_the_answer_is_a_host_name_or_a_refusal_and_never_a_surprise(typed: str) -> None:
    try:
        host = parse_instance(typed)
    except InvalidInstance as refused:
        assert refused.reason in Refusal
    else:
        assert HOST.fullmatch(host)
        assert parse_instance(host) == host
