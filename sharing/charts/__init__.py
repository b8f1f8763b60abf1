"""Pictures of numbers as SVG: frozen values in, markup out. Plain Python.

A picture says what it shows without colour: shared numbers are filled (the part of them that is told apart
is dotted), arrivals are hatched bars or a dashed line with rings. Colours and sizes of type come from classes (`share-chart.css`); without that
sheet everything is drawn in the text's own colour. No style attribute, no script, no id but those under
the `key` a caller gives, which must be unique in its page. Text is escaped by the serializer, and
characters that XML does not have are left out.
"""

from sharing.charts.along_time import OverTime, over_time
from sharing.charts.marks import legend
from sharing.charts.named_bars import Bars, bars
from sharing.charts.series import Series
from sharing.charts.side_by_side import Small, small
from sharing.charts.svg import plain_text

__all__ = [
    "Bars",
    "OverTime",
    "Series",
    "Small",
    "bars",
    "legend",
    "over_time",
    "plain_text",
    "small",
]
