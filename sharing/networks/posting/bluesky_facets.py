"""Find what is more than words in a post: links, mentions and tags, each by its place in UTF-8 bytes.

Nothing in a Bluesky post is a link by itself. The patterns are those of the network's own app
(packages/api/src/rich-text/util.ts, checked November 2026), but for links without https://.
"""

from collections.abc import Callable
from typing import Any

import regex  # type: ignore[import-untyped]  # ships no types of its own

_LINK = regex.compile(r"(?<=^|[\s(])https?://\S+", regex.IGNORECASE)
_MENTION = regex.compile(
    r"(?<=^|[\s(])@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9])"
    r"(?![A-Za-z0-9-])"
)
_INVISIBLE = "\u00ad\u2060\u200a\u200b\u200c\u200d\u20e2"
_TAG = regex.compile(rf"(?<=^|\s)[#＃](?!\ufe0f)([^\s{_INVISIBLE}]+)")
_AFTER_LINK = ".,;:!?\"'”’»"
_AFTER_TAG = regex.compile(r"\p{P}+\Z")
_NUMBER = regex.compile(r"[\d\p{P}]+")
_LONGEST_TAG = 64
_KIND = "app.bsky.richtext.facet"


def facets(text: str, resolve: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return the facets of a text in order; `resolve` turns a handle into a DID, or into "".

    A handle that nobody has stays words.
    """
    found: list[tuple[int, int, dict[str, str]]] = []
    for match in _LINK.finditer(text):
        address = _without_end(match[0])
        found.append(
            (
                match.start(),
                match.start() + len(address),
                {"$type": f"{_KIND}#link", "uri": address},
            )
        )
    for match in _MENTION.finditer(text):
        did = resolve(match[1])
        if did:
            found.append((match.start(), match.end(), {"$type": f"{_KIND}#mention", "did": did}))
    for match in _TAG.finditer(text):
        tag = _AFTER_TAG.sub("", match[1])
        if tag and not _NUMBER.fullmatch(tag) and len(tag) <= _LONGEST_TAG:
            end = match.start(1) + len(tag)
            found.append((match.start(), end, {"$type": f"{_KIND}#tag", "tag": tag}))
    return [
        {
            "index": {"byteStart": _bytes(text[:start]), "byteEnd": _bytes(text[:end])},
            "features": [feature],
        }
        for start, end, feature in sorted(found, key=lambda each: each[0])
    ]


def _without_end(address: str) -> str:
    address = address.rstrip(_AFTER_LINK)
    while address.endswith(")") and address.count("(") < address.count(")"):
        address = address[:-1].rstrip(_AFTER_LINK)
    return address


def _bytes(text: str) -> int:
    return len(text.encode())
