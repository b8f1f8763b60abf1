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
# What turns around a part of a line and nothing after it, where it is closed again. Overrides are not among
# them: they show letters in an order in which nobody wrote them.
_ENDS = {"LRE": "PDF", "RLE": "PDF", "LRI": "PDI", "RLI": "PDI", "FSI": "PDI"}
_UNSEEN = regex.compile(
    r"[\p{White_Space}\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]*"
)


def plain(text: str) -> str:
    """Make one line of it: no control characters, no hidden reordering, single spaces."""
    return " ".join("".join(c for c in text if c.isspace() or _is_plain(c)).split())


def _is_plain(character: str) -> bool:
    # Cs are lone surrogates, which UTF-8 cannot carry.
    return (
        unicodedata.category(character) not in {"Cc", "Cs"}
        and unicodedata.bidirectional(character) not in _REORDERING
    )


def is_blank(text: str) -> bool:
    """Tell whether a reader sees nothing of it: spaces, joiners and marks without anything to join."""
    return _UNSEEN.fullmatch(text) is not None


def hidden(text: str) -> str:
    """Return what is hidden in words of several lines that may not be, in a sentence; "" where nothing is.

    Joiners, variation selectors and the plain marks (LRM, RLM) are part of words and emoji. Embeddings and isolates
    may stand in right-to-left texts, where they end in the line in which they begin (Unicode TR9, BD9 and P1).
    """
    if any(c not in "\n\t" and unicodedata.category(c) in {"Cc", "Cs"} for c in text):
        return "There are control characters in the text. Type it anew without them."
    if any(map(_reorders, text.replace("\u2029", "\n").split("\n"))):
        return "There is a hidden character in the text that turns its direction around. Type it anew without it."
    return ""


def _reorders(line: str) -> bool:
    ends: list[str] = []
    for character in line:
        direction = unicodedata.bidirectional(character)
        if direction in _ENDS:
            ends.append(_ENDS[direction])
        elif direction in _REORDERING and (not ends or ends.pop() != direction):
            return True
    return bool(ends)


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
