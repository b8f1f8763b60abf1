"""Periods are whole days, both ends included."""

from datetime import date

import pytest

from sharing.reports import periods
from sharing.reports.periods import Period, Unusable

TODAY = date(2026, 11, 25)


def test_the_last_seven_days_end_today_and_have_seven_before_them() -> None:
    period = periods.preset("7", TODAY)
    assert period == Period(date(2026, 11, 19), TODAY)
    assert period.before == Period(date(2026, 11, 12), date(2026, 11, 18))
    assert period.days == period.before.days == 7


def test_this_month_begins_on_its_first() -> None:
    assert periods.preset("month", TODAY) == Period(date(2026, 11, 1), TODAY)
    assert periods.preset("month", date(2026, 11, 1)).days == 1


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [("2026-11-02", "2026-11-01", "after the last day"), ("2026-11-02", "2026-11-26", "in the future"),
     ("0001-01-01", "2026-11-25", "before 1 January 2000"), ("2000-01-01", "2026-11-25", "two years"),
     ("9999-12-31", "9999-12-31", "in the future"), ("0001-01-01", "0001-01-01", "before 1 January")],
)  # fmt: skip
def test_days_that_make_no_period_are_refused_in_a_sentence(
    first: str, last: str, words: str
) -> None:
    with pytest.raises(Unusable, match=words):
        periods.custom(date.fromisoformat(first), date.fromisoformat(last), TODAY)


def test_a_long_period_is_cut_into_sevens_from_its_end() -> None:
    spans = periods.preset("365", TODAY).sevens()
    assert len(spans) == 53
    assert spans[-1] == Period(date(2026, 11, 19), TODAY)
    assert spans[0].days == 1
    assert sum(span.days for span in spans) == 365


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [("2026-11-25", "2026-11-25", "25 November 2026"), ("2026-11-01", "2026-11-25", "1 to 25 November 2026"),
     ("2026-10-29", "2026-11-25", "29 October to 25 November 2026"),
     ("2025-12-31", "2026-01-01", "31 December 2025 to 1 January 2026")],
)  # fmt: skip
def test_a_period_reads_as_words(first: str, last: str, words: str) -> None:
    assert Period(date.fromisoformat(first), date.fromisoformat(last)).words == words
