"""The marks that pictures of numbers are made of, as elements of SVG."""

import unicodedata
from xml.etree import ElementTree as ET

Element = ET.Element

WIDE = 720
NARROW = 340
# Advance of one average character of our type at 13 units; a wide one (CJK, emoji) takes two.
CHARACTER = 6.9
# Points nearer than this carry no ring each.
CLEAR_OF_RINGS = 10


def picture(key: str, title: str, description: str, width: float, height: float) -> Element:
    """Return an empty picture that is named and described; ids in it begin with `key`."""
    svg = Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {_size(width)} {_size(height)}",
         "width": _size(width), "height": _size(height), "role": "img",
         "aria-labelledby": f"{key}-title", "aria-describedby": f"{key}-desc",
         "class": "share-chart", "fill": "currentColor", "font-size": "13"},
    )  # fmt: skip
    ET.SubElement(svg, "title", {"id": f"{key}-title"}).text = plain_text(title)
    ET.SubElement(svg, "desc", {"id": f"{key}-desc"}).text = plain_text(description)
    return svg


def markup(root: Element) -> str:
    """Return a picture as text."""
    return ET.tostring(root, encoding="unicode")


def line(parent: Element, x1: float, y1: float, x2: float, y2: float, name: str) -> None:
    """Draw a straight line; `name` is its class, and says whether it is dashed."""
    attributes = {"class": name, "x1": _size(x1), "y1": _size(y1), "x2": _size(x2), "y2": _size(y2)}
    attributes |= {"stroke": "currentColor"}
    if name == "share-chart__grid":
        attributes |= {"stroke-opacity": "0.25", "stroke-dasharray": "1 3"}
    if name == "share-chart__line":
        attributes |= {"stroke-width": "2", "stroke-dasharray": "5 3"}
    ET.SubElement(parent, "line", attributes)


def rect(
    parent: Element,
    x: float,
    y: float,
    width: float,
    height: float,
    name: str,
    fill: str | None = None,
) -> None:
    """Draw a bar or a column; `fill` is a pattern's."""
    attributes = {
        "class": name,
        "x": _size(x),
        "y": _size(y),
        "width": _size(width),
        "height": _size(height),
    }
    if fill:
        attributes |= {"fill": fill, "stroke": "currentColor", "stroke-width": "1.25"}
    ET.SubElement(parent, "rect", attributes)


def ring(parent: Element, x: float, y: float) -> None:
    """Draw a ring about a point of a line."""
    ET.SubElement(
        parent,
        "circle",
        {"class": "share-chart__ring", "cx": _size(x), "cy": _size(y), "r": "3.5", "fill": "none",
         "stroke": "currentColor", "stroke-width": "2"},
    )  # fmt: skip


def text(
    parent: Element, text: str, x: float, y: float, name: str, *, anchor: str = "start"
) -> None:
    """Write on one line, without the characters that XML has no place for."""
    attributes = {"class": name, "x": _size(x), "y": _size(y)}
    if anchor != "start":
        attributes["text-anchor"] = anchor
    ET.SubElement(parent, "text", attributes).text = plain_text(text)


def dashed(parent: Element, points: list[tuple[float, float]], slot: float) -> None:
    """Draw a dashed line through points that are `slot` apart, with rings where there is room."""
    if len(points) > 1:
        path = " ".join(f"{_size(x)},{_size(y)}" for x, y in points)
        ET.SubElement(
            parent,
            "polyline",
            {"class": "share-chart__line", "points": path, "fill": "none", "stroke": "currentColor",
             "stroke-width": "2", "stroke-dasharray": "5 3", "stroke-linejoin": "round"},
        )  # fmt: skip
    # Rings that nearly touch are a smear, and some of many look like something happened there.
    for x, y in points if slot >= CLEAR_OF_RINGS else points[-1:]:
        ring(parent, x, y)


def patterns(parent: Element, key: str, *, with_dots: bool) -> None:
    """Draw what hatched bars, and with `with_dots` dotted ones, are filled with."""
    defs = ET.SubElement(parent, "defs")
    pattern = ET.SubElement(
        defs,
        "pattern",
        {"id": f"{key}-hatch", "class": "share-chart__hatch", "width": "5", "height": "5",
         "patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)"},
    )  # fmt: skip
    ET.SubElement(
        pattern,
        "line",
        {"x1": "1", "y1": "0", "x2": "1", "y2": "5", "stroke": "currentColor", "stroke-width": "2"},
    )
    if with_dots:
        pattern = ET.SubElement(
            defs,
            "pattern",
            {"id": f"{key}-dots", "class": "share-chart__dots", "width": "5", "height": "5",
             "patternUnits": "userSpaceOnUse"},
        )  # fmt: skip
        ET.SubElement(pattern, "circle", {"cx": "2.5", "cy": "2.5", "r": "1.3", "fill": "currentColor"})  # fmt: skip


def hatch(key: str) -> str:
    """Return the fill of hatched bars; `patterns` draws it under the same key."""
    return f"url(#{key}-hatch)"


def dots(key: str) -> str:
    """Return the fill of dotted bars; `patterns` draws it under the same key."""
    return f"url(#{key}-dots)"


def plain_text(text: str) -> str:
    """Return text without the characters that XML has no place for, on one line."""
    shown = "".join(character if _in_xml(character) else " " for character in text)
    return " ".join(shown.split())


def advance(character: str) -> float:
    """Return how far a character moves what stands after it, in units."""
    if unicodedata.combining(character) or character in "\u200d\ufe0f":
        return 0.0
    return CHARACTER * (2 if unicodedata.east_asian_width(character) in "WF" else 1)


def shortened(text: str, room: float) -> str:
    """Return text that fits `room` units, with an ellipsis where something was cut."""
    text = plain_text(text)
    width = 0.0
    for place, character in enumerate(text):
        width += advance(character)
        if width > room:
            # Whatever joins to what is cut goes with it.
            kept = text[: max(place - 1, 1)].rstrip("\u200d\ufe0f")
            return f"{kept.rstrip()}…"
    return text


def _size(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _in_xml(character: str) -> bool:
    code = ord(character)
    return code >= 0x20 and not 0xD800 <= code <= 0xDFFF and code not in {0xFFFE, 0xFFFF, 0x7F}
