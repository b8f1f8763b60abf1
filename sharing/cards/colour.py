"""Colours as `#rrggbb`, and how well one reads on another."""

import re

Colour = tuple[int, int, int]

PAPER = (252, 251, 248)
INK = (27, 42, 48)
WHITE = (255, 255, 255)
# The dot of the mark.
AMBER = (255, 215, 147)

DEFAULT_ACCENT = "#005e5a"
# WCAG 2.2, 1.4.3: text of any size.
LEAST_CONTRAST = 4.5

_HEX = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


def parse(text: str) -> Colour:
    """Return the colour of `#rrggbb`; raises ValueError for anything else."""
    if not _HEX.fullmatch(text):
        raise ValueError(f"{text[:20]!r} is no colour of the form #rrggbb")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return `one` with this share (0 to 1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Colour) -> float:
    """Return the relative luminance of a colour, 0 to 1."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
