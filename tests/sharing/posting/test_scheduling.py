"""A local time with its zone is one moment, whatever clocks do that night."""

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.posting import scheduling
from sharing.posting.scheduling import Unusable
from tests.sharing.posting.conftest import moment


@pytest.mark.parametrize(
    ("local", "zone", "utc"),
    [
        ("2027-01-15T09:00", "Europe/Berlin", "2027-01-15T08:00Z"),
        ("2027-07-15T09:00", "Europe/Berlin", "2027-07-15T07:00Z"),
        # Clocks go from 02:00 to 03:00.
        ("2027-03-28T02:30", "Europe/Berlin", "2027-03-28T01:30Z"),
        # They go from 03:00 back to 02:00: the first of both.
        ("2027-10-31T02:30", "Europe/Berlin", "2027-10-31T00:30Z"),
        ("2028-02-29T23:59", "Pacific/Auckland", "2028-02-29T10:59Z"),
        # A day that Samoa left out.
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T22:00Z"),
        ("2027-05-01T00:00", "Asia/Kathmandu", "2027-04-30T18:15Z"),
    ],
)
def test_a_local_time_is_the_moment_that_clocks_there_show(local: str, zone: str, utc: str) -> None:
    assert scheduling.moment(scheduling.parse(local), zone) == moment(utc)


@pytest.mark.parametrize(
    ("local", "zone", "skipped", "twice"),
    [
        ("2027-03-28T02:30", "Europe/Berlin", True, False),
        ("2027-10-31T02:30", "Europe/Berlin", False, True),
        ("2027-10-31T03:30", "Europe/Berlin", False, False),
    ],
)
def test_editors_are_told_of_a_time_that_never_comes_or_comes_twice(
    local: str, zone: str, skipped: bool, twice: bool
) -> None:
    chosen = scheduling.parse(local)
    assert scheduling.is_skipped(chosen, zone) is skipped
    assert scheduling.comes_twice(chosen, zone) is twice


@pytest.mark.parametrize(
    "zone", ["", "Nowhere/Town", "../etc/passwd", "/etc/passwd", "a" * 300, "\0"]
)
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    with pytest.raises(Unusable, match="time zone"):
        scheduling.moment(datetime(2027, 1, 1, 9), zone)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "day and a time"),
        ("tomorrow", "day and a time"),
        ("2027-01-01", "day and a time"),
        ("2027-01-01T25:00", "day and a time"),
        ("2027-02-30T09:00", "There is no 30 February 2027. Choose another day."),
        ("2027-02-29T09:00", "There is no 29 February 2027."),
    ],
)
def test_what_is_no_time_is_refused(text: str, words: str) -> None:
    with pytest.raises(Unusable, match=words):
        scheduling.parse(text)


def test_the_end_of_the_calendar_is_refused() -> None:
    with pytest.raises(Unusable, match="calendar"):
        scheduling.moment(datetime(1, 1, 1), "Asia/Tokyo")


@given(
    local=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    zone=st.sampled_from(sorted(available_timezones())),
)
def test_a_time_that_clocks_show_is_shown_at_its_moment(local: datetime, zone: str) -> None:
    local = local.replace(second=0, microsecond=0)
    at = scheduling.moment(local, zone)
    shown = at.astimezone(scheduling.zone(zone)).replace(tzinfo=None)
    if scheduling.is_skipped(local, zone):
        assert timedelta(0) < shown - local <= timedelta(days=1)
    else:
        assert shown == local
    assert at.tzinfo is UTC
