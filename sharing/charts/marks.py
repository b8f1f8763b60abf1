"""What the marks of a picture mean."""

from sharing.charts import svg
from sharing.charts.series import Series


def legend(columns: str, line: str) -> str:
    """Return what the marks of small pictures mean, as a picture without a name: its text is read."""
    picture = svg.Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 200 20", "width": "200",
         "height": "20", "class": "share-chart share-chart--legend", "fill": "currentColor", "font-size": "13"},
    )  # fmt: skip
    name_marks(picture, "", solid=Series(columns, ()), line=Series(line, ()))
    return svg.markup(picture)


def name_marks(
    picture: svg.Element,
    key: str,
    *,
    solid: Series | None = None,
    dotted: Series | None = None,
    hatched: Series | None = None,
    line: Series | None = None,
) -> None:
    """Name each series beside the very mark that stands for it, along the picture's top."""
    x = 0.0
    boxes = (
        (solid, "solid", None),
        (dotted, "dotted", svg.dots(key)),
        (hatched, "hatched", svg.hatch(key)),
    )
    for series, kind, fill in boxes:
        if series is not None:
            svg.rect(picture, x + 0.75, 4, 13, 12, f"share-chart__{kind}", fill)
            x = _named(picture, series, x, after=20)
    if line is not None:
        svg.line(picture, x, 10, x + 26, 10, "share-chart__line")
        svg.ring(picture, x + 13, 10)
        _named(picture, line, x, after=32)


def _named(picture: svg.Element, series: Series, x: float, *, after: float) -> float:
    """Write a series' name after its mark, and return where the next mark may begin."""
    svg.text(picture, series.name, x + after, 14.5, "share-chart__name")
    return x + after + sum(map(svg.advance, series.name)) * 1.06 + 22
