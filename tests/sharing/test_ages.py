"""How old something is, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from sharing.ages import ago

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-60, "just now"), (0, "just now"), (0.9, "just now"), (1, "1 second ago"), (59, "59 seconds ago"),
     (60, "1 minute ago"), (7199, "1 hour ago"), (7200, "2 hours ago"), (86_400 * 1500, "1,500 days ago")],
)  # fmt: skip
def test_an_age_is_told_in_its_largest_whole_unit(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words
