"""How long a text is, by the rule of the server that takes it.

`sharing/static/sharing/post_text.js` counts the same in the editor's browser; one file of examples holds
both to it (`tests/sharing/networks/posting/text_vectors.json`).

Mastodon counts graphemes of warning and text, any link as 23 and a mention without its server:
https://github.com/mastodon/mastodon/blob/main/app/validators/status_length_validator.rb. GoToSocial counts
code points and gives nothing away: internal/api/client/statuses/statuscreate.go. Bluesky's lexicon
(app.bsky.feed.post) allows 300 graphemes and 3,000 bytes. Telegram counts UTF-16 units, of which an emoji is
two or more: https://core.telegram.org/api/entities (all checked November 2026).
"""

from dataclasses import asdict, dataclass
from typing import Any

import regex  # type: ignore[import-untyped]  # ships no types of its own

from sharing.networks.text import graphemes

# Mastodon's own link pattern without its list of top-level domains: any of letters will do.
_LINK = regex.compile(
    r"(?<![A-Za-z0-9@＠$#＃])[Hh][Tt][Tt][Pp][Ss]?://"
    r"(?:[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?\.){1,126}"
    r"(?:[Xx][Nn]--[A-Za-z0-9-]{1,59}|[A-Za-z]{2,63}(?![A-Za-z0-9@-])|[\p{L}]{2,63}(?![A-Za-z0-9@-]))"
    r"(?::[0-9]{1,5})?"
)
# Parentheses belong to a path in pairs, one pair inside another at most.
_PATH = regex.compile(
    r"/(?:[^\p{White_Space}<>()?]"
    r"|\((?:[^\p{White_Space}<>()?]+"
    r"|[^\p{White_Space}<>()?]*\([^\p{White_Space}<>()?]+\)[^\p{White_Space}<>()?]*)\))*"
)
_QUERY = regex.compile(r"\?[A-Za-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@^\u00A0-\U0010FFFD]*")
_NO_PATH_END = frozenset("!*\"'「」;:=,.$%[]~&|@")
_QUERY_END = regex.compile(r"[A-Za-z0-9_&=#/\-\u00A0-\U0010FFFD]")
_SPACE = regex.compile(r"\p{White_Space}")
_MENTION = regex.compile(
    r"(?<![=/\p{L}\p{N}_])@([A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*)@[\p{L}\p{N}_.-]*[\p{L}\p{N}_]"
)


@dataclass(frozen=True, slots=True)
class TextRule:
    """A server's measure: `limit` units, `bytes` of UTF-8 if that is limited too.

    `unit` is "grapheme", "codepoint" or "utf16". `link` is what any link counts, None for its own length.
    `local_mentions`: a mention counts without its server. `warning_counts`: so does the warning.
    """

    limit: int
    unit: str = "grapheme"
    bytes: int | None = None
    link: int | None = None
    local_mentions: bool = False
    warning_counts: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Give it to the composer's script, under the same names."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Length:
    """What a text comes to."""

    units: int
    bytes: int

    def fits(self, rule: TextRule) -> bool:
        """Say whether the server takes it."""
        return self.units <= rule.limit and (rule.bytes is None or self.bytes <= rule.bytes)


def measure(text: str, rule: TextRule, *, warning: str = "") -> Length:
    """Count a text, and a warning before it where the rule says so."""
    counted = text
    if rule.link is not None:
        counted = _with_links_as(counted, "x" * rule.link)
    if rule.local_mentions:
        counted = _MENTION.sub(r"@\1", counted)
    if rule.warning_counts:
        counted = warning + counted
    return Length(_units(counted, rule.unit), len(text.encode("utf-8", "replace")))


def _units(text: str, unit: str) -> int:
    match unit:
        case "grapheme":
            return len(graphemes(text))
        case "utf16":
            return len(text) + sum(character > "\uffff" for character in text)
        case _:
            return len(text)


def links(text: str) -> list[tuple[int, int]]:
    """Return where links begin and end, in code points, as Mastodon finds them."""
    found = []
    position = 0
    while match := _LINK.search(text, position):
        position = _link_end(text, match.end())
        found.append((match.start(), position))
    return found


def _with_links_as(text: str, placeholder: str) -> str:
    parts = []
    position = 0
    for start, end in links(text):
        parts += [text[position:start], placeholder]
        position = end
    return "".join([*parts, text[position:]])


def _link_end(text: str, position: int) -> int:
    path = _PATH.match(text, position)
    if path:
        end: int = path.end()
        while text[end - 1] in _NO_PATH_END:
            end -= 1
        if end < path.end():
            return end
        position = end
    query = _QUERY.match(text, position)
    if not query:
        return position
    # No space is in a query, though some lie among the letters outside ASCII.
    space = _SPACE.search(text, position, query.end())
    stop: int = space.start() if space else query.end()
    while stop > position and not _QUERY_END.match(text[stop - 1]):
        stop -= 1
    return stop
