"""The bundled fonts, and which characters each of them has.

A character that a font lacks is drawn as a box. So a text is drawn only in a font that has all of it, and
where there is none, not at all.
"""

import struct
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import regex  # type: ignore[import-untyped]  # ships no types of its own
from PIL import ImageFont, features

_FONTS = Path(__file__).parent / "fonts"
# Drawn as nothing, so no font need have them. Joiners shape Arabic and stay; what turns or hides text
# (bidi controls, tags, fillers) is taken out before drawing.
_JOINERS = "\u200c\u200d"
_INVISIBLE = regex.compile(
    r"[[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cs}]--[\u200c\u200d]]", regex.V1
)
_BLANKS = regex.compile(r"[\p{Zs}\p{Zl}\p{Zp}\t\n\r\v\f]+")
Font = ImageFont.FreeTypeFont
_RIGHT_TO_LEFT = {"R", "AL"}


@dataclass(frozen=True)
class Typeface:
    """One font file.

    `leading` and `ascent`: of a line, and of its capitals, in font sizes. `scale`: what its letters need to
    look as large as the others'.
    """

    path: Path
    leading: float
    ascent: float
    scale: float = 1.0

    @cached_property
    def characters(self) -> frozenset[int]:
        """Return the code points that the font has a glyph for."""
        return _characters(self.path.read_bytes())

    def has(self, text: str) -> bool:
        """Tell whether the font has every character of a text as `drawable` returns it."""
        return all(ord(character) in self.characters or character in _JOINERS for character in text)

    def at(self, size: int) -> Font:
        """Return the font at a size in pixels."""
        return ImageFont.truetype(str(self.path), size)


SERIF = Typeface(_FONTS / "NotoSerif-Bold.ttf", leading=1.16, ascent=0.74)
SANS = Typeface(_FONTS / "NotoSans-Bold.ttf", leading=1.3, ascent=0.74)
ARABIC = Typeface(_FONTS / "NotoNaskhArabic-Bold.ttf", leading=1.5, ascent=0.86, scale=1.2)
HEBREW = Typeface(_FONTS / "NotoSerifHebrew-Bold.ttf", leading=1.24, ascent=0.74, scale=1.08)
ALL = (SERIF, SANS, ARABIC, HEBREW)

HEADLINE = (SERIF, ARABIC, HEBREW)
SMALL = (SANS, ARABIC, HEBREW)


def drawable(text: str) -> str:
    """Return a text as it is drawn: composed, one blank between words, without control characters."""
    text = _BLANKS.sub(lambda match: "\u00a0" if match[0] == "\u00a0" else " ", text)
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).strip()


def choose(text: str, among: Sequence[Typeface]) -> Typeface | None:
    """Return the first typeface that has all of a text (as `drawable` returns it), or None.

    Without raqm, Pillow neither joins Arabic nor turns lines around: such a text has no typeface then.
    """
    if not text or (is_right_to_left(text) and not has_raqm()):
        return None
    return next((face for face in among if face.has(text)), None)


def has_raqm() -> bool:
    """Tell whether Pillow can shape text."""
    return bool(features.check("raqm"))


def is_right_to_left(text: str) -> bool:
    """Tell whether a text begins from the right: its first letter does (Unicode TR9, P2 and P3)."""
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction == "L":
            return False
        if direction in _RIGHT_TO_LEFT:
            return True
    return False


def _characters(font: bytes) -> frozenset[int]:
    """Return the code points in a font's `cmap` table, formats 4 and 12.

    Source: https://learn.microsoft.com/typography/opentype/spec/cmap (OpenType 1.9).
    """
    tables = struct.unpack_from(">H", font, 4)[0]
    offsets = {
        tag: offset
        for tag, _, offset, _ in (
            struct.unpack_from(">4sIII", font, 12 + 16 * number) for number in range(tables)
        )
    }
    cmap = offsets[b"cmap"]
    found: set[int] = set()
    for number in range(struct.unpack_from(">H", font, cmap + 2)[0]):
        start = cmap + struct.unpack_from(">HHI", font, cmap + 4 + 8 * number)[2]
        table_format = struct.unpack_from(">H", font, start)[0]
        if table_format == 4:
            found |= _format_4(font, start)
        elif table_format == 12:
            for group in range(struct.unpack_from(">I", font, start + 12)[0]):
                first, last, glyph = struct.unpack_from(">III", font, start + 16 + 12 * group)
                found.update(range(first + (glyph == 0), last + 1))
    return frozenset(found)


def _format_4(font: bytes, start: int) -> set[int]:
    count = struct.unpack_from(">H", font, start + 6)[0] // 2
    ends, starts, deltas, ranges = (
        start + 14, start + 16 + 2 * count, start + 16 + 4 * count, start + 16 + 6 * count,
    )  # fmt: skip
    found = set()
    for segment in range(count):
        last, first, delta, offset = (
            struct.unpack_from(">H", font, table + 2 * segment)[0]
            for table in (ends, starts, deltas, ranges)
        )
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offset:
                at = ranges + 2 * segment + offset + 2 * (code - first)
                glyph = struct.unpack_from(">H", font, at)[0]
                if glyph == 0:
                    continue
            if (glyph + delta) & 0xFFFF:
                found.add(code)
    return found
