"""Set a text into a box: the largest size at which it fits, in lines of about the same length."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import regex  # type: ignore[import-untyped]  # ships no types of its own

from sharing.cards.typefaces import Typeface

ELLIPSIS = "…"
# A word may go on in the next line behind these.
_BREAKABLE = regex.compile(r"(?<=\w[-‐–—/])(?=\w)")
_GRAPHEME = regex.compile(r"\X")

Measure = Callable[[str], float]


@dataclass(frozen=True)
class Box:
    """What a text has to keep to, in pixels."""

    width: int
    height: int
    most_lines: int
    largest: int
    smallest: int


@dataclass(frozen=True)
class Setting:
    """A text as it is set: lines in order, a font size, and the height of one line, in pixels."""

    lines: tuple[str, ...]
    size: int
    line_height: int


@dataclass(frozen=True)
class _Piece:
    text: str
    after_blank: bool


def fit(text: str, typeface: Typeface, box: Box) -> Setting:
    """Return a text's setting in a box; what is too long even at the smallest size ends in an ellipsis."""
    box = replace(
        box,
        largest=round(box.largest * typeface.scale),
        smallest=round(box.smallest * typeface.scale),
    )
    low, high = box.smallest, box.largest
    best = _set(text, typeface, box, low)
    if best is None:
        return _cut(text, typeface, box)
    while low < high:
        middle = (low + high + 1) // 2
        setting = _set(text, typeface, box, middle)
        if setting is None:
            high = middle - 1
        else:
            low, best = middle, setting
    return best


def _set(text: str, typeface: Typeface, box: Box, size: int) -> Setting | None:
    """Return the setting at one size, or None where it does not fit."""
    measure = typeface.at(size).getlength
    line_height = round(size * typeface.leading)
    allowed = _lines_allowed(box, line_height)
    pieces = _pieces(text)
    if any(measure(piece.text) > box.width for piece in pieces):
        return None
    lines = _break(pieces, measure, box.width)
    if len(lines) > allowed:
        return None
    return Setting(tuple(_balanced(pieces, measure, box.width, lines)), size, line_height)


def _cut(text: str, typeface: Typeface, box: Box) -> Setting:
    """Return as much of a text as fits at the smallest size; words wider than the box are broken."""
    measure = typeface.at(box.smallest).getlength
    line_height = round(box.smallest * typeface.leading)
    allowed = _lines_allowed(box, line_height)
    pieces = [part for piece in _pieces(text) for part in _narrow_pieces(piece, measure, box.width)]
    lines = _break(pieces, measure, box.width)
    if len(lines) > allowed:
        lines = [*lines[: allowed - 1], _with_ellipsis(lines[allowed - 1], measure, box.width)]
    return Setting(tuple(lines), box.smallest, line_height)


def _lines_allowed(box: Box, line_height: int) -> int:
    return max(1, min(box.most_lines, box.height // line_height))


def _pieces(text: str) -> list[_Piece]:
    return [
        _Piece(part, after_blank=number == 0)
        for word in text.split(" ")
        for number, part in enumerate(_BREAKABLE.split(word))
        if part
    ]


def _narrow_pieces(piece: _Piece, measure: Measure, width: float) -> list[_Piece]:
    """Break a piece wider than the box between graphemes."""
    if measure(piece.text) <= width:
        return [piece]
    parts: list[str] = [""]
    for grapheme in _GRAPHEME.findall(piece.text):
        if parts[-1] and measure(parts[-1] + grapheme) > width:
            parts.append("")
        parts[-1] += grapheme
    return [_Piece(part, piece.after_blank and number == 0) for number, part in enumerate(parts)]


def _break(pieces: list[_Piece], measure: Measure, width: float) -> list[str]:
    lines: list[str] = []
    for piece in pieces:
        joined = f"{lines[-1]}{' ' if piece.after_blank else ''}{piece.text}" if lines else ""
        if lines and measure(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(piece.text)
    return lines


def _balanced(pieces: list[_Piece], measure: Measure, width: int, lines: list[str]) -> list[str]:
    """Return lines in the narrowest measure that needs no more of them."""
    low, high = 1, width
    while low < high:
        middle = (low + high) // 2
        if len(_break(pieces, measure, middle)) > len(lines):
            low = middle + 1
        else:
            high = middle
    return _break(pieces, measure, high)


def _with_ellipsis(line: str, measure: Measure, width: float) -> str:
    """End a line in an ellipsis: behind a whole word where there is one, else behind a grapheme."""
    kept = line
    while kept and measure(kept + ELLIPSIS) > width:
        head, _, _ = kept.rpartition(" ")
        kept = head or "".join(_GRAPHEME.findall(kept)[:-1])
    return kept.rstrip(" ,;:.–—-") + ELLIPSIS
