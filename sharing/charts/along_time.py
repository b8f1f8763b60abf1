"""Numbers along days or weeks: columns, and a dashed line."""

from collections.abc import Sequence
from dataclasses import dataclass

from sharing.charts import svg
from sharing.charts.marks import name_marks
from sharing.charts.scale import dated_points, nice_ticks, short_number
from sharing.charts.series import Series, present


@dataclass(frozen=True)
class OverTime:
    """Numbers along days or weeks: `columns`, and `line` as a dashed line; either may lack.

    `labels` are short dates, one a point.
    """

    key: str
    title: str
    description: str
    labels: Sequence[str]
    columns: Series | None
    line: Series | None


def over_time(chart: OverTime, *, narrow: bool = False) -> str:
    """Return the picture of a chart over time."""
    width = svg.NARROW if narrow else svg.WIDE
    left, right, top, bottom = 44.0, 10.0, 34.0, 28.0
    height = 230.0 if narrow else 260.0
    key = f"{chart.key}-{'narrow' if narrow else 'wide'}"
    picture = svg.picture(key, chart.title, chart.description, width, height)
    numbers = [n for series in present(chart.columns, chart.line) for n in series.numbers if n]
    ticks = nice_ticks(max(numbers, default=0))
    floor, room = height - bottom, height - bottom - top

    def y(number: int) -> float:
        return floor - room * (number / ticks[-1])

    for tick in ticks:
        name = "share-chart__grid" if tick else "share-chart__axis"
        svg.line(picture, left, y(tick), width - right, y(tick), name)
        beside = short_number(tick)
        svg.text(picture, beside, left - 8, y(tick) + 4, "share-chart__tick", anchor="end")
    count = len(chart.labels)
    slot = (width - left - right) / max(count, 1)
    centres = [left + slot * (place + 0.5) for place in range(count)]
    if chart.columns is not None:
        broad = min(max(slot * 0.66, 1.0), 44.0)
        for centre, number in zip(centres, chart.columns.numbers, strict=True):
            if number:
                up = y(number)
                svg.rect(picture, centre - broad / 2, up, broad, floor - up, "share-chart__solid")
    if chart.line is not None:
        pairs = zip(centres, chart.line.numbers, strict=True)
        svg.dashed(picture, [(x, y(n)) for x, n in pairs if n is not None], slot)
    for place in dated_points(count, 4 if narrow else 8):
        centre = centres[place]
        x = min(max(centre, left + 16), width - right - 16)
        svg.line(picture, centre, floor, centre, floor + 4, "share-chart__axis")
        label = chart.labels[place]
        svg.text(picture, label, x, floor + 19, "share-chart__tick", anchor="middle")
    name_marks(picture, key, solid=chart.columns, line=chart.line)
    return svg.markup(picture)
