"""What rose and what fell: by how much, in which order, and in which words."""

import pytest

from sharing.models import ShareClass
from sharing.reports.changes import Change, changes
from sharing.reports.measures import SHARED, of_class
from sharing.tallies import Named, Tally

ARTICLE = Named(1, 10, "aaaa", "Sleep", is_section=False)
SECTION = Named(2, 10, "bbbb", "Why", is_section=True)
OTHER = Named(3, 11, "cccc", "Anger", is_section=False)


def pair(now: int, before: int) -> tuple[Tally, Tally]:
    return Tally(intent=now), Tally(intent=before)


def test_the_largest_differences_come_first_each_on_its_side() -> None:
    found = changes(
        [ARTICLE, SECTION, OTHER], {1: pair(5, 4), 2: pair(90, 20), 3: pair(3, 30)}, SHARED
    )
    assert [row.named for row in found.risers] == [SECTION, ARTICLE]
    assert [row.named for row in found.fallers] == [OTHER]
    assert found.risers[0].article == "Sleep"
    assert found.risers[1].article == ""
    assert found.comparable


def test_what_stayed_the_same_is_on_neither_side_and_ties_go_by_title() -> None:
    found = changes(
        [ARTICLE, SECTION, OTHER], {1: pair(5, 4), 2: pair(7, 7), 3: pair(6, 5)}, SHARED
    )
    assert [row.named for row in found.risers] == [OTHER, ARTICLE]
    assert found.fallers == []


def test_no_more_are_named_than_asked_for() -> None:
    many = [Named(n, n, f"c{n}", f"Title {n}", is_section=False) for n in range(20)]
    found = changes(many, {n: pair(n + 1, 0) for n in range(20)}, SHARED, most=3)
    assert [row.now for row in found.risers] == [20, 19, 18]


def test_nothing_before_is_nothing_to_compare_with() -> None:
    assert not changes([ARTICLE], {1: pair(5, 0)}, SHARED).comparable
    assert not changes([ARTICLE], {}, SHARED).comparable
    arrivals = of_class(ShareClass.ARRIVAL)
    assert not changes([ARTICLE], {1: pair(5, 4)}, arrivals).comparable, "of the class asked for"


def test_a_target_without_a_name_is_left_out() -> None:
    assert changes([ARTICLE], {99: pair(5, 1)}, SHARED).risers == []


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (12, 0, "12 more, none before"),
        (0, 7, "7 fewer, none now"),
        (6, 5, "1 more"),
        (30, 20, "10 more (50%)"),
        (20, 30, "10 fewer (33%)"),
        (1_504, 1_236_007, "1,234,503 fewer (over 99%)"),
        (20, 10, "10 more (100%)"),
        (1_234_567, 11, "1,234,556 more"),
    ],
)
def test_a_difference_is_told_in_words(now: int, before: int, words: str) -> None:
    assert Change(ARTICLE, "", now, before).words == words


def test_each_leads_to_itself_in_the_report() -> None:
    assert Change(SECTION, "Sleep", 1, 0).only_query == "article=10&section=bbbb"
    assert Change(ARTICLE, "", 1, 0).only_query == "article=10&section=whole"
