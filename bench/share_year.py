"""The year of share counts that sites of the benchmarks have."""

from datetime import UTC, date, datetime, timedelta

# The clock of these sites stands still, so that what was built stays the last year.
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAYS = 365
CHANNELS = 12


def days() -> list[date]:
    """Return the days that have counts; the last is the sites' today."""
    return [NOW.date() - timedelta(back) for back in reversed(range(DAYS))]
