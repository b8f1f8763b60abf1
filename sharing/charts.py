"""Pictures of numbers as SVG: frozen values in, markup out. Plain Python.

A picture says what it shows without colour: shared numbers are filled (the part of them that is told apart
is dotted), arrivals are hatched bars or a dashed line with rings. Colours and sizes of type come from classes (`share-chart.css`); without that
sheet everything is drawn in the text's own colour. No style attribute, no script, no id but those under
the `key` a caller gives, which must be unique in its page. Text is escaped by the serializer, and
characters that XML does not have are left out.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

Element = ET.Element

WIDE = 720
NARROW = 340
# Advance of one average character of our type at 13 units; a wide one (CJK, emoji) takes two.
CHARACTER = 6.9
# Points nearer than this carry no ring each.
CLEAR_OF_RINGS = 10


@dataclass(frozen=True)
class Series:
    """Numbers under one name, one a point or bar; None where nothing can be told."""

    name: str
    numbers: Sequence[int | None]


@dataclass(frozen=True)
class OverTime:
    """Numbers along days or weeks: `shared` as columns, `arrivals` as a dashed line; either may lack.

    `labels` are short dates, one a point. `step` says what a point is: “day”, “7 days”.
    """

    key: str
    title: str
    description: str
    labels: Sequence[str]
    columns: Series | None
    line: Series | None


@dataclass(frozen=True)
class Bars:
    """Numbers of things with names, largest first: `solid` bars, and `hatched` ones beneath them.

    `dotted` numbers stand at the end of the solid ones, and the number behind both is their sum. Names stand
    before their bars; above them where they are long, and in a narrow picture.
    """

    key: str
    title: str
    description: str
    labels: Sequence[str]
    solid: Series | None
    hatched: Series | None
    names_above: bool = False
    dotted: Series | None = None


@dataclass(frozen=True)
class Small:
    """One of several small pictures that are compared: `columns`, and `line` over them.

    `largest` is what the top of each of them stands for; a column beyond it is cut, and has its number beside
    it. `labels` are the first and the last short date.
    """

    key: str
    title: str
    description: str
    columns: Series
    line: Series
    largest: int
    labels: tuple[str, str]


def nice_ticks(largest: int, wanted: int = 4) -> list[int]:
    """Return whole ticks from zero in steps of 1, 2 or 5 times a power of ten, the last at or over `largest`."""
    power, steps = 1, (1, 2, 5)
    while True:
        for step in steps:
            size = step * power
            # Whole numbers all the way: floats cannot tell the largest counts apart.
            count = -(-max(largest, 1) // size)
            if count <= wanted:
                return [size * number for number in range(count + 1)]
        power *= 10


def short_number(number: int) -> str:
    """Return a number for an axis: 950, 1,500, 20k, 3M, 4bn."""
    for size, unit in ((10**12, "tn"), (10**9, "bn"), (10**6, "M"), (10**3, "k")):
        if number >= size and (number >= 10_000 or size > 10**3):
            whole, rest = divmod(number, size)
            tenth = rest * 10 // size
            return f"{whole:,}.{tenth}{unit}" if tenth and whole < 100 else f"{whole:,}{unit}"
    return f"{number:,}"


def plain_text(text: str) -> str:
    """Return text without the characters that XML has no place for, on one line."""
    shown = "".join(character if _in_xml(character) else " " for character in text)
    return " ".join(shown.split())


def shortened(text: str, room: float) -> str:
    """Return text that fits `room` units, with an ellipsis where something was cut."""
    text = plain_text(text)
    width = 0.0
    for place, character in enumerate(text):
        width += _advance(character)
        if width > room:
            # Whatever joins to what is cut goes with it.
            kept = text[: max(place - 1, 1)].rstrip("\u200d\ufe0f")
            return f"{kept.rstrip()}…"
    return text


def over_time(chart: OverTime, *, narrow: bool = False) -> str:
    """Return the picture of a chart over time."""
    width = NARROW if narrow else WIDE
    left, right, top, bottom = 44.0, 10.0, 34.0, 28.0
    height = 230.0 if narrow else 260.0
    key = f"{chart.key}-{'narrow' if narrow else 'wide'}"
    svg = _svg(key, chart.title, chart.description, width, height)
    numbers = [n for series in _present(chart.columns, chart.line) for n in series.numbers if n]
    ticks = nice_ticks(max(numbers, default=0))
    floor, room = height - bottom, height - bottom - top

    def y(number: int) -> float:
        return floor - room * (number / ticks[-1])

    for tick in ticks:
        _line(
            svg,
            left,
            y(tick),
            width - right,
            y(tick),
            "share-chart__axis" if not tick else "share-chart__grid",
        )
        _text(svg, short_number(tick), left - 8, y(tick) + 4, "share-chart__tick", anchor="end")
    count = len(chart.labels)
    slot = (width - left - right) / max(count, 1)
    centres = [left + slot * (place + 0.5) for place in range(count)]
    if chart.columns is not None:
        broad = min(max(slot * 0.66, 1.0), 44.0)
        for centre, number in zip(centres, chart.columns.numbers, strict=True):
            if number:
                _rect(
                    svg,
                    centre - broad / 2,
                    y(number),
                    broad,
                    floor - y(number),
                    "share-chart__solid",
                )
    if chart.line is not None:
        _dashed(
            svg,
            [(x, y(n)) for x, n in zip(centres, chart.line.numbers, strict=True) if n is not None],
            slot,
        )
    for place in _label_places(count, 4 if narrow else 8):
        x = min(max(centres[place], left + 16), width - right - 16)
        _line(svg, centres[place], floor, centres[place], floor + 4, "share-chart__axis")
        _text(svg, chart.labels[place], x, floor + 19, "share-chart__tick", anchor="middle")
    _legend(svg, key, 0.0, chart.columns, None, chart.line)
    return _markup(svg)


def bars(chart: Bars, *, narrow: bool = False) -> str:
    """Return the picture of named bars."""
    width = NARROW if narrow else WIDE
    key = f"{chart.key}-{'narrow' if narrow else 'wide'}"
    pair = _present(chart.solid, chart.hatched)
    above = narrow or chart.names_above
    thick, gap, name_height = 13.0, 3.0, 20.0 if above else 0.0
    one = name_height + len(pair) * thick + (len(pair) - 1) * gap
    pitch = one + 14
    top = 34.0
    height = top + pitch * len(chart.labels)
    svg = _svg(key, chart.title, chart.description, width, height)
    _patterns(svg, key, dots=chart.dotted is not None)
    ends = _ends(chart)
    largest = max((n for series in pair for n in ends[series.name] if n), default=0) or 1
    start = 1.0 if above else 168.0
    # Room for the number behind the longest bar.
    room = width - start - 10 - 8.0 * len(f"{largest:,}")
    for place, label in enumerate(chart.labels):
        at = top + pitch * place
        if above:
            _text(svg, shortened(label, width - 4), 0, at + 12, "share-chart__name")
        else:
            _text(
                svg,
                shortened(label, start - 14),
                start - 12,
                at + one / 2 + 4.5,
                "share-chart__name",
                anchor="end",
            )
        at += name_height
        for series in pair:
            number = series.numbers[place]
            mark = "share-chart__solid" if series is chart.solid else "share-chart__hatched"
            end = ends[series.name][place]
            if number is not None and end is not None:
                long = room * (end / largest)
                if number:
                    fill = f"url(#{key}-hatch)" if series is chart.hatched else None
                    _rect(svg, start, at, max(room * (number / largest), 1.5), thick, mark, fill)
                if end > number:
                    # Its outline stands within its own part, so that it is no longer than its number.
                    from_ = start + room * (number / largest)
                    wide = max(start + long - from_, 1.5)
                    _rect(svg, from_, at, wide, thick, "share-chart__dotted", f"url(#{key}-dots)")
                _text(
                    svg,
                    f"{end:,}",
                    start + (max(long, 1.5) if end else 0) + 6,
                    at + thick - 2,
                    "share-chart__number",
                )
            at += thick + gap
        if not above:
            _line(
                svg,
                start,
                top + pitch * place - 3,
                start,
                top + pitch * place + one + 3,
                "share-chart__axis",
            )
    _legend(svg, key, 0.0, chart.solid, chart.hatched, None, chart.dotted)
    return _markup(svg)


def small(chart: Small) -> str:
    """Return one of several small pictures; what its marks mean is said once beside them (`legend`)."""
    width, height, top, bottom, right = 320.0, 86.0, 8.0, 20.0, 44.0
    svg = _svg(chart.key, chart.title, chart.description, width, height)
    ceiling = nice_ticks(chart.largest)[-1]
    floor, end = height - bottom, width - right
    _line(svg, 0, top, end, top, "share-chart__grid")
    _line(svg, 0, floor, end, floor, "share-chart__axis")
    _text(svg, short_number(ceiling), end + 6, top + 4, "share-chart__tick")
    _text(svg, "0", end + 6, floor + 4, "share-chart__tick")
    _text(svg, chart.labels[0], 0, height - 4, "share-chart__tick")
    _text(svg, chart.labels[1], end, height - 4, "share-chart__tick", anchor="end")
    slot = end / max(len(chart.columns.numbers), 1)
    broad = max(slot * 0.66, 1.0)

    def y(number: int) -> float:
        return floor - (floor - top) * min(number / ceiling, 1.0)

    centres = [slot * (place + 0.5) for place in range(len(chart.columns.numbers))]
    for centre, number in zip(centres, chart.columns.numbers, strict=True):
        if number:
            # One share beside thousands is still there to be seen.
            up = min(y(number), floor - 1)
            _rect(svg, centre - broad / 2, up, broad, floor - up, "share-chart__solid")
    if any(chart.line.numbers):
        pairs = zip(centres, chart.line.numbers, strict=True)
        _dashed(svg, [(x, y(number)) for x, number in pairs if number is not None], 0.0)
    cut = [
        (number, x)
        for x, number in zip(centres, chart.columns.numbers, strict=True)
        if number and number > ceiling
    ]
    for _, x in cut:
        for up in (0, 3):
            _line(svg, x - broad, top + 12 + up, x + broad, top + 8 + up, "share-chart__cut")
    if cut:
        number, x = max(cut)
        # On the side that has room; one number, as two may lie on each other.
        side, anchor = (-6, "end") if x > end / 2 else (6, "start")
        _text(svg, f"{number:,}", x + side, top + 13, "share-chart__number", anchor=anchor)
    return _markup(svg)


def legend(columns: str, line: str) -> str:
    """Return what the marks of small pictures mean, as a picture without a name: its text is read."""
    svg = Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 200 20", "width": "200",
         "height": "20", "class": "share-chart share-chart--legend", "fill": "currentColor", "font-size": "13"},
    )  # fmt: skip
    _legend(svg, "", 0.0, Series(columns, ()), None, Series(line, ()))
    return _markup(svg)


def _ends(chart: Bars) -> dict[str, list[int | None]]:
    """Return where each bar ends, by its series' name: what is dotted stands on what is solid."""
    ends = {each.name: list(each.numbers) for each in _present(chart.solid, chart.hatched)}
    if chart.solid is not None and chart.dotted is not None:
        pairs = zip(chart.solid.numbers, chart.dotted.numbers, strict=True)
        ends[chart.solid.name] = [
            None if solid is None else solid + (dotted or 0) for solid, dotted in pairs
        ]
    return ends


def _legend(
    svg: Element,
    key: str,
    x: float,
    solid: Series | None,
    hatched: Series | None,
    line: Series | None,
    dotted: Series | None = None,
) -> None:
    """Name each series beside the very mark that stands for it."""
    every = ((solid, "solid"), (dotted, "dotted"), (hatched, "hatched"), (line, "line"))
    for series, kind in every:
        if series is None:
            continue
        if kind == "line":
            _line(svg, x, 10, x + 26, 10, "share-chart__line")
            _ring(svg, x + 13, 10)
            mark = 32.0
        else:
            pattern = {"hatched": "hatch", "dotted": "dots"}.get(kind)
            fill = f"url(#{key}-{pattern})" if pattern else None
            _rect(svg, x + 0.75, 4, 13, 12, f"share-chart__{kind}", fill)
            mark = 20.0
        _text(svg, series.name, x + mark, 14.5, "share-chart__name")
        x += mark + sum(map(_advance, series.name)) * 1.06 + 22


def _label_places(count: int, most: int) -> list[int]:
    """Return which points carry a date: evenly apart, always the last."""
    if count <= 0:
        return []
    apart = -(-count // most)
    return list(range((count - 1) % apart, count, apart))


def _dashed(svg: Element, points: list[tuple[float, float]], slot: float) -> None:
    if len(points) > 1:
        path = " ".join(f"{_size(x)},{_size(y)}" for x, y in points)
        ET.SubElement(
            svg,
            "polyline",
            {"class": "share-chart__line", "points": path, "fill": "none", "stroke": "currentColor",
             "stroke-width": "2", "stroke-dasharray": "5 3", "stroke-linejoin": "round"},
        )  # fmt: skip
    # Rings that nearly touch are a smear, and some of many look like something happened there.
    for x, y in points if slot >= CLEAR_OF_RINGS else points[-1:]:
        _ring(svg, x, y)


def _patterns(svg: Element, key: str, *, dots: bool) -> None:
    patterns = ET.SubElement(svg, "defs")
    pattern = ET.SubElement(
        patterns,
        "pattern",
        {"id": f"{key}-hatch", "class": "share-chart__hatch", "width": "5", "height": "5",
         "patternUnits": "userSpaceOnUse", "patternTransform": "rotate(45)"},
    )  # fmt: skip
    ET.SubElement(
        pattern,
        "line",
        {"x1": "1", "y1": "0", "x2": "1", "y2": "5", "stroke": "currentColor", "stroke-width": "2"},
    )
    if dots:
        pattern = ET.SubElement(
            patterns,
            "pattern",
            {"id": f"{key}-dots", "class": "share-chart__dots", "width": "5", "height": "5",
             "patternUnits": "userSpaceOnUse"},
        )  # fmt: skip
        ET.SubElement(pattern, "circle", {"cx": "2.5", "cy": "2.5", "r": "1.3", "fill": "currentColor"})  # fmt: skip


def _svg(key: str, title: str, description: str, width: float, height: float) -> Element:
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


def _rect(
    parent: Element,
    x: float,
    y: float,
    width: float,
    height: float,
    name: str,
    fill: str | None = None,
) -> None:
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


def _line(parent: Element, x1: float, y1: float, x2: float, y2: float, name: str) -> None:
    attributes = {"class": name, "x1": _size(x1), "y1": _size(y1), "x2": _size(x2), "y2": _size(y2)}
    attributes |= {"stroke": "currentColor"}
    if name == "share-chart__grid":
        attributes |= {"stroke-opacity": "0.25", "stroke-dasharray": "1 3"}
    if name == "share-chart__line":
        attributes |= {"stroke-width": "2", "stroke-dasharray": "5 3"}
    ET.SubElement(parent, "line", attributes)


def _ring(parent: Element, x: float, y: float) -> None:
    ET.SubElement(
        parent,
        "circle",
        {"class": "share-chart__ring", "cx": _size(x), "cy": _size(y), "r": "3.5", "fill": "none",
         "stroke": "currentColor", "stroke-width": "2"},
    )  # fmt: skip


def _text(
    parent: Element, text: str, x: float, y: float, name: str, *, anchor: str = "start"
) -> None:
    attributes = {"class": name, "x": _size(x), "y": _size(y)}
    if anchor != "start":
        attributes["text-anchor"] = anchor
    ET.SubElement(parent, "text", attributes).text = plain_text(text)


def _markup(svg: Element) -> str:
    return ET.tostring(svg, encoding="unicode")


def _present(*series: Series | None) -> list[Series]:
    return [each for each in series if each is not None]


def _size(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _advance(character: str) -> float:
    if unicodedata.combining(character) or character in "\u200d\ufe0f":
        return 0.0
    return CHARACTER * (2 if unicodedata.east_asian_width(character) in "WF" else 1)


def _in_xml(character: str) -> bool:
    code = ord(character)
    return code >= 0x20 and not 0xD800 <= code <= 0xDFFF and code not in {0xFFFE, 0xFFFF, 0x7F}
