"""Clean and shorten the words that go into a post."""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import regex  # type: ignore[import-untyped]  # ships no types of its own

ELLIPSIS = "…"

# Embeddings, overrides and isolates can turn the address that follows them around on the
# screen. The plain marks (LRM, RLM) cannot, and right-to-left titles need them.
_REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def plain(text: str) -> str:
    """Make one line of it: no control characters, no hidden reordering, single spaces."""
    return " ".join("".join(c for c in text if c.isspace() or _is_plain(c)).split())


def _is_plain(character: str) -> bool:
    # Cs are lone surrogates, which UTF-8 cannot carry.
    return (
        unicodedata.category(character) not in {"Cc", "Cs"}
        and unicodedata.bidirectional(character) not in _REORDERING
    )


def graphemes(text: str) -> list[str]:
    """Split into what a reader sees as single characters (UAX #29)."""
    return list(regex.findall(r"\X", text))


def shorten(text: str, room: int, weigh: Callable[[str], int] = len) -> str:
    """Shorten to what `room` holds, ending at a word and an ellipsis; "" if nothing fits.

    `weigh` is a network's measure of one grapheme. By default every code point counts, which is
    never less than any network counts, and bounds a letter with a thousand accents too.
    """
    clusters = graphemes(text)
    weights = list(accumulate(map(weigh, clusters)))
    if not weights or weights[-1] <= room:
        return text
    kept = bisect_right(weights, room - weigh(ELLIPSIS))
    head = "".join(clusters[:kept])
    word_end = f"{head}{clusters[kept]}".rfind(" ")
    # Without a space for long, as in Chinese, a cut between two characters loses less.
    if word_end >= len(head) / 3:
        head = head[:word_end]
    head = head.rstrip(" .,:;-–—")
    return f"{head}{ELLIPSIS}" if head else ""
