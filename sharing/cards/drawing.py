"""Draw a card.

Paper, with the words in a column and a panel in the site's colour at its end. The panel carries the mark:
three lines and a dot for an article; for a section one line a part, the dot at this one. A title that
begins from the right turns the card around. A title that no bundled font has gives the card without
words of its own.
"""

import io
import logging
from dataclasses import dataclass

from PIL import Image, ImageDraw

from sharing.cards import colour, fitting, logos, typefaces
from sharing.cards.colour import Colour
from sharing.cards.content import CardContent, Face
from sharing.cards.fitting import Box
from sharing.cards.typefaces import Typeface

logger = logging.getLogger(__name__)

WIDTH, HEIGHT = SIZE = (1200, 630)

_MARGIN = 76
_PANEL = 276
_GAP = 60
_COLUMN = WIDTH - _PANEL - _MARGIN - _GAP
_BRAND_BASE = HEIGHT - 76
_TITLE_TOP, _TITLE_BOTTOM = 76, 480

_TITLE = Box(width=_COLUMN, height=350, most_lines=5, largest=100, smallest=42)
_EYEBROW = Box(width=_COLUMN, height=84, most_lines=2, largest=27, smallest=27)
_BRAND_SIZE = 34
_PLACE_SIZE = 27
_LOGO = (300, 68)

# Shapes are drawn this many times larger and scaled down, for smooth edges.
_OVERSAMPLING = 4
_MOST_LINES_IN_MARK = 7


@dataclass(frozen=True)
class _Words:
    text: str
    typeface: Typeface


def draw(content: CardContent) -> bytes:
    """Return a card as PNG, 1200 by 630 pixels.

    A logo that cannot be drawn is logged and replaced by the mark. Raises ValueError for an accent that
    is no `#rrggbb`.
    """
    title = _words(content.face.title, typefaces.HEADLINE)
    accent = colour.parse(content.design.accent)
    mirrored = title is not None and typefaces.is_right_to_left(title.text)
    ground = colour.PAPER if title else accent
    image = Image.new("RGB", SIZE, ground)
    panel = _panel(content.face, accent, mirrored)
    image.paste(panel, (0 if mirrored else WIDTH - _PANEL, 0))
    page = _Page(image, accent, mirrored)
    page.put_brand(content, on_accent=title is None)
    if title is not None:
        page.put_words(title, _words(content.face.eyebrow, typefaces.SMALL))
    if content.face.position and content.face.parts:
        page.put_place(f"Part {content.face.position} of {content.face.parts}")
    if content.logo is None:
        # Of flat colours and their edges 256 are enough, and half the bytes.
        image = image.quantize(256, dither=Image.Dither.NONE)
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()


def shows_title(title: str) -> bool:
    """Tell whether a card shows this title: a bundled font has every character of it."""
    return _words(title, typefaces.HEADLINE) is not None


def title_box(*, mirrored: bool = False) -> tuple[int, int, int, int]:
    """Return where eyebrow and title stand: left, top, right, bottom in pixels."""
    left = WIDTH - _MARGIN - _COLUMN if mirrored else _MARGIN
    return left, _TITLE_TOP, left + _COLUMN, _TITLE_BOTTOM


def _words(text: str, among: tuple[Typeface, ...]) -> _Words | None:
    text = typefaces.drawable(text)
    typeface = typefaces.choose(text, among)
    return _Words(text, typeface) if typeface else None


class _Page:
    """A card in the making; x counts from the side on which its lines begin."""

    def __init__(self, image: Image.Image, accent: Colour, mirrored: bool) -> None:
        self._image = image
        self._pen = ImageDraw.Draw(image)
        self._accent = accent
        self._mirrored = mirrored

    def put_words(self, title: _Words, eyebrow: _Words | None) -> None:
        """Put the eyebrow and, under it, the title."""
        y = float(_TITLE_TOP)
        if eyebrow is not None:
            small = fitting.fit(eyebrow.text, eyebrow.typeface, _EYEBROW)
            y = self._lines(small, eyebrow, y, self._accent) + 30
        large = fitting.fit(title.text, title.typeface, _title_box(y))
        self._lines(large, title, y, colour.INK)

    def put_brand(self, content: CardContent, *, on_accent: bool) -> None:
        """Put the logo, or the mark, and the site's name where the logo is no word of its own."""
        logo = _logo(content)
        if logo is None:
            badge = _mark(58, self._accent, on_accent=on_accent)
        else:
            ground = self._accent if on_accent else colour.PAPER
            badge = logo if logos.reads_on(logo, ground) else _plate(logo, self._accent, on_accent)
        middle = _BRAND_BASE - 29
        x = _MARGIN if not self._mirrored else WIDTH - _MARGIN - badge.width
        self._image.paste(badge, (x, middle - badge.height // 2), badge)
        name = _words(content.design.site_name, typefaces.SMALL)
        if name is not None and (logo is None or logo.width < 2 * logo.height):
            ink = colour.WHITE if on_accent else colour.INK
            font = name.typeface.at(_BRAND_SIZE)
            room = _COLUMN - badge.width - 20
            box = Box(room, _BRAND_SIZE * 2, 1, _BRAND_SIZE, 22)
            setting = fitting.fit(name.text, name.typeface, box)
            font = name.typeface.at(setting.size)
            turned = typefaces.is_right_to_left(name.text)
            self._text(setting.lines[0], font, badge.width + 20, middle, ink, "m", turned)

    def put_place(self, place: str) -> None:
        """Put the section's place at the foot of the panel."""
        font = typefaces.SANS.at(_PLACE_SIZE)
        x = _PANEL / 2 if self._mirrored else WIDTH - _PANEL / 2
        self._pen.text((x, _BRAND_BASE - 29), place, font=font, fill=colour.WHITE, anchor="mm")

    def _lines(self, setting: fitting.Setting, words: _Words, top: float, ink: Colour) -> float:
        """Put lines under each other and return where the next may begin."""
        font = words.typeface.at(setting.size)
        base = top + setting.size * words.typeface.ascent
        # A line may begin with a foreign word; the whole text says which way it runs.
        turned = typefaces.is_right_to_left(words.text)
        for line in setting.lines:
            self._text(line, font, 0, base, ink, "s", turned)
            base += setting.line_height
        return base - setting.line_height + setting.size * (words.typeface.leading - 0.9)

    def _text(
        self,
        text: str,
        font: typefaces.Font,
        indent: float,
        y: float,
        ink: Colour,
        anchor: str,
        turned: bool,
    ) -> None:
        x = WIDTH - _MARGIN - indent if self._mirrored else _MARGIN + indent
        side = "r" if self._mirrored else "l"
        # Pillow refuses a direction where raqm is not there, and then nothing runs from the right.
        direction = ("rtl" if turned else "ltr") if typefaces.has_raqm() else None
        self._pen.text((x, y), text, font=font, fill=ink, anchor=side + anchor, direction=direction)


def _title_box(top: float) -> Box:
    height = min(_TITLE.height, int(_TITLE_BOTTOM - top))
    return Box(_TITLE.width, height, _TITLE.most_lines, _TITLE.largest, _TITLE.smallest)


def _logo(content: CardContent) -> Image.Image | None:
    if content.logo is None:
        return None
    try:
        return logos.open_logo(content.logo, *_LOGO)
    except logos.UnusableLogo as reason:
        logger.warning("a card gets the mark in place of the logo: %s", reason)
        return None


def _plate(logo: Image.Image, accent: Colour, on_accent: bool) -> Image.Image:
    """Return a logo on a plate of the other ground, where it would vanish on its own."""
    space = 14
    size = logo.width + 2 * space, logo.height + 2 * space
    plate = Image.new("RGBA", size, (0, 0, 0, 0))
    ground = colour.PAPER if on_accent else accent
    plate.paste(_rounded(size, 14, ground), (0, 0))
    plate.alpha_composite(logo, (space, space))
    return plate


def _rounded(size: tuple[int, int], radius: int, fill: Colour) -> Image.Image:
    result = Image.new("RGBA", size, fill)
    result.putalpha(_rounded_shape(size, radius))
    return result


def _rounded_shape(size: tuple[int, int], radius: int) -> Image.Image:
    large = size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING
    shape = Image.new("L", large, 0)
    box = (0, 0, large[0] - 1, large[1] - 1)
    ImageDraw.Draw(shape).rounded_rectangle(box, radius * _OVERSAMPLING, fill=255)
    return shape.resize(size, Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class _Bars:
    """The mark's lines, in pixels: how many, which one has the dot, and where they stand."""

    count: int
    marked: int  # from 0
    left: float
    top: float  # the middle of the first line
    step: float
    length: float
    stroke: float

    def drawn(self, size: tuple[int, int], ground: Colour) -> Image.Image:
        """Return a picture of them on a ground."""
        large = size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING
        image = Image.new("RGB", large, ground)
        pen = ImageDraw.Draw(image)
        for number in range(self.count):
            marked = number == self.marked
            y = self.top + number * self.step
            # Proportions of healthsite/icon.svg: the marked line is shorter and leaves room for the dot.
            end = self.left + self.length * (0.86 if marked else 1)
            half = self.stroke / 2
            fill = colour.WHITE if marked else colour.mix(ground, colour.WHITE, 0.72)
            box = [self.left - half, y - half, end + half, y + half]
            large_box = [value * _OVERSAMPLING for value in box]
            pen.rounded_rectangle(large_box, half * _OVERSAMPLING, fill=fill)
            if marked:
                x, radius = self.left + self.length * 1.41, self.stroke * 0.914
                dot = [x - radius, y - radius, x + radius, y + radius]
                pen.ellipse([value * _OVERSAMPLING for value in dot], fill=colour.AMBER)
        return image.resize(size, Image.Resampling.LANCZOS)


def _mark(size: int, accent: Colour, *, on_accent: bool) -> Image.Image:
    """Return the mark of `healthsite/icon.svg`, which is 32 units wide, on its rounded ground."""
    unit = size / 32
    ground = colour.mix(accent, colour.WHITE, 0.16) if on_accent else accent
    bars = _Bars(3, 1, 8 * unit, 9.5 * unit, 6.5 * unit, 11 * unit, 3.5 * unit)
    badge = bars.drawn((size, size), ground)
    badge.putalpha(_rounded_shape((size, size), round(8 * unit)))
    return badge


def _panel(face: Face, accent: Colour, mirrored: bool) -> Image.Image:
    """Return the panel: the mark, or for a section its place among the parts."""
    count, marked = _place(face)
    step = min(62.0, 372 / count)
    stroke = step * 0.538
    length = 104.0
    # Lines, gap and dot together stand in the middle.
    left = (_PANEL - length * 1.41 - 34 * 0.914) / 2 + stroke / 4
    top = (HEIGHT - (count - 1) * step) / 2 - 24
    bars = _Bars(count, marked, left, top, step, length, stroke)
    panel = bars.drawn((_PANEL, HEIGHT), accent)
    return panel.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else panel


def _place(face: Face) -> tuple[int, int]:
    """Return how many lines the panel has and which one is marked, from 0."""
    if not face.position or face.parts < face.position:
        return 3, 1
    if face.parts <= _MOST_LINES_IN_MARK:
        return face.parts, face.position - 1
    share = (face.position - 1) / (face.parts - 1)
    return _MOST_LINES_IN_MARK, round(share * (_MOST_LINES_IN_MARK - 1))
