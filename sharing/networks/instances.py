"""Read the name of a fediverse server as people type it. Nothing here connects anywhere."""

import re
import unicodedata
from enum import StrEnum

import idna

# Names that never lead to a server on the public internet: RFC 6761, RFC 6762 (local),
# RFC 7686 (onion), RFC 8375 (home.arpa), RFC 9476 (alt), the top-level domain ICANN set aside for
# private use in 2024 (internal), and what home and office routers make up.
_SPECIAL_USE = {
    *("alt", "arpa", "internal", "invalid", "local", "localhost", "onion", "test"),
    *("corp", "home", "lan", "localdomain"),
}
_MAX_LENGTH = 253  # RFC 1035, written without the trailing dot

# "mastodon.social", "https://mastodon.social/" or "@me@mastodon.social".
_TYPED = re.compile(r"(?:https?://|@[\w.-]+@)?([^/?#\\@:\[\]]+)/?", re.ASCII | re.IGNORECASE)
# Every top-level domain is letters or Punycode, so this leaves out 127.0.0.1, 127.1, 0x7f.1,
# 0177.0.0.1 and whatever else a browser would read as an IP address.
_TOP_LEVEL = re.compile(r"[a-z]{2,}|xn--[a-z0-9-]+")


class Refusal(StrEnum):
    """Say to a reader why a name was not taken."""

    EMPTY = "Type the name of your server, such as mastodon.social."
    HIDDEN = "Leave out spaces and invisible characters inside the name."
    NOT_ALONE = (
        "Type only the server's name, such as mastodon.social, "
        "without a port, a path, a password or another kind of address."
    )
    TOO_LONG = "That is too long: a server's name has at most 253 characters."
    NOT_A_NAME = "That is not a server's name. It looks like mastodon.social."
    NO_DOT = "A server's name has a dot in it, such as mastodon.social."
    NUMERIC = "Type the server's name, such as mastodon.social, not a number or an IP address."
    NOT_PUBLIC = "That name is kept for private networks and tests; no public server has it."


class InvalidInstance(ValueError):
    """Refuse what a reader typed; `reason` is a sentence to show them."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(str(reason))
        self.reason = reason


def parse_instance(text: str) -> str:
    """Return the host in lowercase ASCII, international names in Punycode (UTS #46).

    Punycode also unmasks look-alikes: "mastodon.social" with a Cyrillic "a" becomes "xn--…".
    Raises InvalidInstance, and nothing else, for whatever is not the name of a public host.
    """
    text = text.strip(" ")
    if not text:
        raise InvalidInstance(Refusal.EMPTY)
    # C: controls, bidi and zero-width characters, surrogates, unassigned. Z: spaces.
    if any(unicodedata.category(character)[0] in "CZ" for character in text):
        raise InvalidInstance(Refusal.HIDDEN)
    typed = _TYPED.fullmatch(text)
    if typed is None:
        raise InvalidInstance(Refusal.NOT_ALONE)
    host = _to_ascii(typed[1])
    _, dot, top_level = host.rpartition(".")
    if not dot:
        raise InvalidInstance(Refusal.NO_DOT)
    if not _TOP_LEVEL.fullmatch(top_level):
        raise InvalidInstance(Refusal.NUMERIC)
    if top_level in _SPECIAL_USE:
        raise InvalidInstance(Refusal.NOT_PUBLIC)
    return host


def _to_ascii(host: str) -> str:
    if len(host) > _MAX_LENGTH:
        raise InvalidInstance(Refusal.TOO_LONG)
    try:
        encoded = idna.encode(host, uts46=True, std3_rules=True)
    except idna.IDNAError as error:
        raise InvalidInstance(Refusal.NOT_A_NAME) from error
    return encoded.decode("ascii").removesuffix(".")
