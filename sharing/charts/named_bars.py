"""Numbers of things with names, as bars that lie."""

from collections.abc import Sequence
from dataclasses import dataclass

from sharing.charts import svg
from sharing.charts.marks import name_marks
from sharing.charts.series import Series, present


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


def bars(chart: Bars, *, narrow: bool = False) -> str:
    """Return the picture of named bars."""
    width = svg.NARROW if narrow else svg.WIDE
    key = f"{chart.key}-{'narrow' if narrow else 'wide'}"
    pair = present(chart.solid, chart.hatched)
    above = narrow or chart.names_above
    thick, gap, name_height = 13.0, 3.0, 20.0 if above else 0.0
    one = name_height + len(pair) * thick + (len(pair) - 1) * gap
    pitch = one + 14
    top = 34.0
    height = top + pitch * len(chart.labels)
    picture = svg.picture(key, chart.title, chart.description, width, height)
    svg.patterns(picture, key, with_dots=chart.dotted is not None)
    ends = _ends(chart)
    largest = max((n for series in pair for n in ends[series.name] if n), default=0) or 1
    start = 1.0 if above else 168.0
    # Room for the number behind the longest bar.
    room = width - start - 10 - 8.0 * len(f"{largest:,}")

    def bar(series: Series, number: int, end: int, at: float) -> None:
        """Draw a number, what is dotted at its end, and behind both their sum."""
        mark, fill = "share-chart__solid", None
        if series is chart.hatched:
            mark, fill = "share-chart__hatched", svg.hatch(key)
        from_, long = room * (number / largest), room * (end / largest)
        if number:
            svg.rect(picture, start, at, max(from_, 1.5), thick, mark, fill)
        if end > number:
            # Its outline stands within its own part, so that it is no longer than its number.
            x = start + from_
            wide = max(start + long - x, 1.5)
            svg.rect(picture, x, at, wide, thick, "share-chart__dotted", svg.dots(key))
        behind = start + (max(long, 1.5) if end else 0) + 6
        svg.text(picture, f"{end:,}", behind, at + thick - 2, "share-chart__number")

    for place, label in enumerate(chart.labels):
        begins = at = top + pitch * place
        if above:
            words = svg.shortened(label, width - 4)
            svg.text(picture, words, 0, begins + 12, "share-chart__name")
        else:
            words, middle = svg.shortened(label, start - 14), begins + one / 2 + 4.5
            svg.text(picture, words, start - 12, middle, "share-chart__name", anchor="end")
        at += name_height
        for series in pair:
            number, end = series.numbers[place], ends[series.name][place]
            if number is not None and end is not None:
                bar(series, number, end, at)
            at += thick + gap
        if not above:
            svg.line(picture, start, begins - 3, start, begins + one + 3, "share-chart__axis")
    name_marks(picture, key, solid=chart.solid, dotted=chart.dotted, hatched=chart.hatched)
    return svg.markup(picture)


def _ends(chart: Bars) -> dict[str, list[int | None]]:
    """Return where each bar ends, by its series' name: what is dotted stands on what is solid."""
    ends = {each.name: list(each.numbers) for each in present(chart.solid, chart.hatched)}
    if chart.solid is not None and chart.dotted is not None:
        pairs = zip(chart.solid.numbers, chart.dotted.numbers, strict=True)
        ends[chart.solid.name] = [
            None if solid is None else solid + (dotted or 0) for solid, dotted in pairs
        ]
    return ends
