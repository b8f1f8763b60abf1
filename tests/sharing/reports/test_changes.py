"""What rose and what fell: by how much, in which order, and in which words."""

import pytest

from sharing.models import ShareClass
from sharing.rankings import Ranked
from sharing.reports.changes import Change, changes
from sharing.reports.measures import SHARED, of_class
from sharing.tallies import Named, Tally

ARTICLE = Named(1, 10, "aaaa", "Sleep", is_section=False)
SECTION = Named(2, 10, "bbbb", "Why", is_section=True)
OTHER = Named(3, 11, "cccc", "Anger", is_section=False)


def ranked(named: Named, now: int, before: int) -> Ranked:
    return Ranked(named, None, "", Tally(intent=now, arrival=9), Tally(intent=before))


def test_each_side_has_its_rows_with_the_numbers_of_the_measure() -> None:
    found = changes([ranked(ARTICLE, 5, 4)], [ranked(OTHER, 3, 30)], SHARED, comparable=True)
    assert [(row.named, row.now, row.before) for row in found.risers] == [(ARTICLE, 5, 4)]
    assert [(row.named, row.apart) for row in found.fallers] == [(OTHER, -27)]
    arrivals = of_class(ShareClass.ARRIVAL)
    [row] = changes([ranked(ARTICLE, 5, 4)], [], arrivals, comparable=False).risers
    assert (row.now, row.before) == (9, 0)


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
