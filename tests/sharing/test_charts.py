"""What the pictures of numbers are made of; whatever they are given, they stay well-formed."""

import re
from xml.etree import ElementTree as ET

import pytest

from sharing import charts
from sharing.charts import Bars, OverTime, Series, Small, scale

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</svg><script>alert(1)</script> & \x00\x0b\ud800 “=SUM(A1)”"


def course(numbers: list[int | None], *, line: bool = True, title: str = "Shares") -> OverTime:
    return OverTime(
        key="c",
        title=title,
        description=f"What {title} says",
        labels=[f"{number} Nov" for number in range(len(numbers))],
        columns=Series("Shared", numbers),
        line=Series("Arrivals", numbers) if line else None,
    )


def compared(names: list[str], numbers: list[int | None]) -> Bars:
    return Bars("b", "Channels", "What it says", names, Series("Shared", numbers), Series("Arrivals", numbers))  # fmt: skip


def stacked(names: list[str], solid: list[int | None], dotted: list[int | None]) -> Bars:
    return Bars("t", "Channels", "What it says", names, Series("Intents", solid), Series("Arrivals", [1] * len(names)), dotted=Series("Handed over", dotted))  # fmt: skip


def little(numbers: list[int | None], largest: int = 10) -> Small:
    return Small("s", HOSTILE, "What it says", Series("Shared", numbers), Series("Arrivals", numbers), largest, ("1 Nov", "2 Nov"))  # fmt: skip


def drawn(markup: str) -> ET.Element:
    root = ET.fromstring(markup)  # noqa: S314  # our own markup
    assert root.tag == f"{SVG}svg"
    return root


def marks(root: ET.Element, name: str) -> list[ET.Element]:
    return [each for each in root.iter() if each.get("class") == f"share-chart__{name}"]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(
    "numbers", [[], [0], [1], [None], [0, None, 3], [5] * 365, [10**19, 1], list(range(731))]
)
def test_pictures_are_well_formed_whatever_the_numbers(
    numbers: list[int | None], narrow: bool
) -> None:
    names = [f"name {number}" for number in range(len(numbers))]
    for markup in (
        charts.over_time(course(numbers), narrow=narrow),
        charts.bars(compared(names, numbers), narrow=narrow),
        charts.bars(stacked(names, numbers, numbers), narrow=narrow),
        charts.small(little(numbers)),
        charts.small(little(numbers, 0)),
    ):
        root = drawn(markup)
        assert root.get("role") == "img"
        assert "nan" not in markup
        assert "inf" not in markup
        assert "style=" not in markup
        for each in root.iter():
            for size in ("x", "y", "width", "height"):
                assert float(each.get(size, "0")) >= -0.5 or each.tag == f"{SVG}line"


def test_title_and_description_name_the_picture_and_are_escaped() -> None:
    markup = charts.over_time(course([1, 2], title=HOSTILE))
    assert "<script" not in markup
    root = drawn(markup)
    by_id = {each.get("id"): each for each in root.iter() if each.get("id")}
    title = by_id[root.get("aria-labelledby")]
    described = by_id[root.get("aria-describedby")]
    assert title.tag == f"{SVG}title"
    assert title.text == "</svg><script>alert(1)</script> & “=SUM(A1)”"
    assert described.tag == f"{SVG}desc"
    assert described.text is not None
    assert described.text.startswith("What </svg>")


def test_names_of_bars_are_escaped_and_cut_to_their_room() -> None:
    root = drawn(charts.bars(compared([HOSTILE * 20, "短い題" * 40], [3, 2]), narrow=True))
    names = [each.text or "" for each in marks(root, "name")]
    assert all(len(name) < 60 for name in names)
    assert sum(name.endswith("…") for name in names) == 2


def test_the_series_differ_without_colour() -> None:
    root = drawn(charts.over_time(course([1, 2, 3])))
    assert len(marks(root, "solid")) == 3 + 1, "a column a point, and the one that explains it"
    [line] = [each for each in marks(root, "line") if each.tag == f"{SVG}polyline"]
    assert line.get("stroke-dasharray")
    assert len(marks(root, "ring")) == 3 + 1
    bars = drawn(charts.bars(compared(["a"], [4])))
    hatch = marks(bars, "hatch")[0].get("id")
    assert all(each.get("fill") == f"url(#{hatch})" for each in marks(bars, "hatched"))
    assert not any(each.get("fill") for each in marks(bars, "solid"))
    assert {each.text for each in marks(bars, "name")} == {"a", "Shared", "Arrivals"}


def test_columns_are_as_high_as_their_numbers_from_zero() -> None:
    root = drawn(charts.over_time(course([10, 5, 0, None])))
    columns = [each for each in marks(root, "solid") if float(each.get("y", "0")) > 30]
    heights = [float(each.get("height", "0")) for each in columns]
    assert len(heights) == 2, "nothing is drawn where there is nothing"
    assert heights[0] == pytest.approx(2 * heights[1], abs=0.2)
    assert marks(root, "tick")[0].text == "0"


def test_a_picture_of_a_year_carries_few_dates_and_the_last_of_them() -> None:
    root = drawn(charts.over_time(course([1] * 365)))
    dates = [each.text for each in marks(root, "tick") if "Nov" in (each.text or "")]
    assert len(dates) <= 8
    assert dates[-1] == "364 Nov"


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [(0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]), (43, [0, 20, 40, 60]),
     (100, [0, 50, 100])],
)  # fmt: skip
def test_ticks_are_whole_begin_at_zero_and_step_by_one_two_or_five(
    largest: int, ticks: list[int]
) -> None:
    assert scale.nice_ticks(largest) == ticks


def test_ticks_of_the_largest_counts_are_exact() -> None:
    ticks = scale.nice_ticks(2**63)
    assert ticks[-1] >= 2**63
    assert re.fullmatch(r"[125]0*", str(ticks[1]))


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (950, "950"), (1500, "1,500"), (20_000, "20k"), (25_500, "25.5k"), (3 * 10**6, "3M"),
     (4 * 10**9, "4bn"), (10**15, "1,000tn")],
)  # fmt: skip
def test_long_numbers_are_short_on_an_axis(number: int, words: str) -> None:
    assert scale.short_number(number) == words


def test_two_pictures_in_a_page_share_no_id() -> None:
    ids: list[str] = []
    for markup in (
        charts.over_time(course([1])),
        charts.over_time(course([1]), narrow=True),
        charts.bars(compared(["a"], [1])),
        charts.bars(compared(["a"], [1]), narrow=True),
    ):
        ids += re.findall(r' id="([^"]+)"', markup)
    assert len(ids) == len(set(ids)) == 10


def test_stacked_bars_end_at_their_sum_and_each_part_has_its_mark() -> None:
    root = drawn(charts.bars(stacked(["a", "b", "c"], [30, 0, 5], [10, 20, 0])))
    # The last of each kind is the legend's.
    solid, dotted = marks(root, "solid")[:-1], marks(root, "dotted")[:-1]
    assert len(solid) == 2
    assert len(dotted) == 2
    first, part = solid[0], dotted[0]
    assert float(part.get("x", "")) == pytest.approx(
        float(first.get("x", "")) + float(first.get("width", "")), abs=0.2
    )
    assert float(first.get("width", "")) == pytest.approx(3 * float(part.get("width", "")), abs=0.5)
    assert [each.text for each in marks(root, "number")] == ["40", "1", "20", "1", "5", "1"]
    ids = {each.get("id") for each in root.iter()}
    for each in dotted:
        assert each.get("fill", "").removeprefix("url(#").removesuffix(")") in ids


def test_small_pictures_cut_what_is_beyond_their_scale_and_name_the_largest() -> None:
    root = drawn(charts.small(little([5, 400, 900, 0, None], 10)))
    heights = [float(each.get("height", "")) for each in marks(root, "solid")]
    assert heights[1] == heights[2] == pytest.approx(2 * heights[0], abs=0.2)
    assert [each.text for each in marks(root, "number")] == ["900"]
    assert len(marks(root, "cut")) == 4


def test_a_legend_is_text_and_no_picture_of_its_own() -> None:
    root = drawn(charts.legend("Shared", "Arrivals"))
    assert root.get("role") is None
    assert [each.text for each in marks(root, "name")] == ["Shared", "Arrivals"]
