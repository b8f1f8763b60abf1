"""How old something is, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from sharing.ages import ago, between

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-60, "just now"), (0, "just now"), (0.9, "just now"), (1, "1 second ago"), (59, "59 seconds ago"),
     (60, "1 minute ago"), (7199, "1 hour ago"), (7200, "2 hours ago"), (86_400 * 1500, "1,500 days ago")],
)  # fmt: skip
def test_an_age_is_told_in_its_largest_whole_unit(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [(300, 300, "5 minutes ago"), (330, 301, "5 minutes ago"), (0, 0, "just now"),
     (72_000, 720, "between 12 minutes and 20 hours ago"), (7200, 0, "between now and 2 hours ago")],
)  # fmt: skip
def test_ages_of_several_moments_are_told_from_the_newest_to_the_oldest(
    first: float, last: float, words: str
) -> None:
    assert between(NOW - timedelta(seconds=first), NOW - timedelta(seconds=last), NOW) == words
