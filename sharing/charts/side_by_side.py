"""Small pictures that are compared: all on one scale, and one legend for them all."""

from dataclasses import dataclass

from sharing.charts import svg
from sharing.charts.scale import nice_ticks, short_number
from sharing.charts.series import Series


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


def small(chart: Small) -> str:
    """Return one of several small pictures; what its marks mean is said once beside them (`legend`)."""
    width, height, top, bottom, right = 320.0, 86.0, 8.0, 20.0, 44.0
    picture = svg.picture(chart.key, chart.title, chart.description, width, height)
    ceiling = nice_ticks(chart.largest)[-1]
    floor, end = height - bottom, width - right
    svg.line(picture, 0, top, end, top, "share-chart__grid")
    svg.line(picture, 0, floor, end, floor, "share-chart__axis")
    svg.text(picture, short_number(ceiling), end + 6, top + 4, "share-chart__tick")
    svg.text(picture, "0", end + 6, floor + 4, "share-chart__tick")
    svg.text(picture, chart.labels[0], 0, height - 4, "share-chart__tick")
    svg.text(picture, chart.labels[1], end, height - 4, "share-chart__tick", anchor="end")
    slot = end / max(len(chart.columns.numbers), 1)
    broad = max(slot * 0.66, 1.0)

    def y(number: int) -> float:
        return floor - (floor - top) * min(number / ceiling, 1.0)

    centres = [slot * (place + 0.5) for place in range(len(chart.columns.numbers))]
    columns = list(zip(centres, chart.columns.numbers, strict=True))
    for centre, number in columns:
        if number:
            # One share beside thousands is still there to be seen.
            up = min(y(number), floor - 1)
            svg.rect(picture, centre - broad / 2, up, broad, floor - up, "share-chart__solid")
    if any(chart.line.numbers):
        pairs = zip(centres, chart.line.numbers, strict=True)
        svg.dashed(picture, [(x, y(number)) for x, number in pairs if number is not None], 0.0)
    cut = [(number, x) for x, number in columns if number and number > ceiling]
    for _, x in cut:
        for up in (0, 3):
            svg.line(picture, x - broad, top + 12 + up, x + broad, top + 8 + up, "share-chart__cut")
    if cut:
        number, x = max(cut)
        # On the side that has room; one number, as two may lie on each other.
        side, anchor = (-6, "end") if x > end / 2 else (6, "start")
        svg.text(picture, f"{number:,}", x + side, top + 13, "share-chart__number", anchor=anchor)
    return svg.markup(picture)
