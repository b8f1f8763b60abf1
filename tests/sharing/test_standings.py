"""Standings are the sums of all days up to theirs, whatever comes late or is killed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sharing import actions, standings
from sharing.count_models import FORGOTTEN_DAYS
from sharing.counting import Group
from sharing.models import (
    ShareClass,
    ShareCount,
    ShareStanding,
    ShareTarget,
    StandingDay,
)
from sharing.stream import Event

pytestmark = pytest.mark.django_db


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def days_ago(days: int) -> date:
    return today() - timedelta(days)


@pytest.fixture
def targets(db: None) -> list[ShareTarget]:
    return [ShareTarget.objects.create(page_id=page, label=f"Sleep {page}") for page in (1, 2, 3)]


def count(
    target: ShareTarget, day: date, number: int, share_class: str = "intent", channel: str = "x"
) -> None:
    ShareCount.objects.create(
        target=target, day=day, count=number, share_class=share_class, channel=channel
    )


def share(target: ShareTarget, day: date, share_class: ShareClass = ShareClass.INTENT) -> None:
    """Accept an event of a day."""
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    actions.accept(event=Event(uuid4(), target.pk, "x", share_class, moment))


def assert_they_are_sums() -> None:
    for day in StandingDay.objects.values_list("day", flat=True):
        wanted: dict[int, dict[str, int]] = {}
        rows = ShareCount.objects.filter(day__lte=day).values_list("target_id", "share_class")
        for target_id, share_class, number in rows.annotate(total=Sum("count")):
            wanted.setdefault(target_id, dict.fromkeys(ShareClass.values, 0))[share_class] = number
        found = {
            row.target_id: {name: getattr(row, name) for name in ShareClass.values}
            for row in ShareStanding.objects.of_day(day)
        }
        assert found == wanted, day


def test_each_closed_day_has_the_sums_up_to_its_end(targets: list[ShareTarget]) -> None:
    one, two, _ = targets
    count(one, FORGOTTEN_DAYS, 100)
    count(one, days_ago(4), 2)
    count(one, days_ago(4), 3, "arrival")
    count(one, days_ago(2), 5, channel="bluesky")
    count(two, days_ago(1), 7)
    count(two, days_ago(0), 9)
    assert standings.write_missing() == 5
    assert_they_are_sums()
    newest = ShareStanding.objects.of_day(days_ago(1)).order_by("target_id")
    assert [(row.intent, row.arrival) for row in newest] == [(107, 3), (7, 0)]
    assert not ShareStanding.objects.of_day(days_ago(0)).exists()
    # The day before the first count: what a period that begins with it is subtracted from.
    assert StandingDay.objects.filter(day=days_ago(5)).exists()


def test_written_once_they_are_left_alone(targets: list[ShareTarget]) -> None:
    count(targets[0], days_ago(3), 1)
    assert standings.write_missing() == 4
    assert standings.write_missing() == 0


def test_a_site_without_shares_has_none() -> None:
    standings.write_missing()
    assert not ShareStanding.objects.exists()


def test_what_comes_late_is_in_every_standing_from_its_day_on(targets: list[ShareTarget]) -> None:
    one, two, three = targets
    count(one, days_ago(5), 4)
    standings.write_missing()
    share(one, days_ago(3))
    share(two, days_ago(3))
    share(two, days_ago(1), ShareClass.ARRIVAL)
    share(three, days_ago(0))
    assert actions.drain() == 4
    assert_they_are_sums()
    assert ShareStanding.objects.of_day(days_ago(3)).get(target=two).intent == 1
    assert not ShareStanding.objects.filter(target=three).exists()


def test_nothing_is_asked_while_nothing_is_late(
    targets: list[ShareTarget], django_assert_num_queries: Any
) -> None:
    groups = [_group(targets[0], today())]
    with django_assert_num_queries(0):
        standings.add_late(groups)


def _group(target: ShareTarget, day: date) -> Any:
    return Group(target.pk, datetime(2026, 1, 1, tzinfo=UTC), "x", "intent", day, 1)


def test_a_night_that_was_missed_is_caught_up(targets: list[ShareTarget]) -> None:
    count(targets[0], days_ago(6), 1)
    standings.write_missing()
    gone = [days_ago(1), days_ago(2)]
    StandingDay.objects.filter(day__in=gone).delete()
    for day in gone:
        ShareStanding.objects.of_day(day).delete()
    share(targets[0], days_ago(2))
    share(targets[1], days_ago(4))
    actions.drain()
    assert standings.write_missing() == 2
    assert_they_are_sums()


def test_a_job_that_is_killed_in_the_middle_goes_on(
    targets: list[ShareTarget], monkeypatch: pytest.MonkeyPatch
) -> None:
    count(targets[0], days_ago(4), 1)
    written: list[date] = []
    write = standings._write

    def killed_at_the_third(day: date) -> int:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(day)
        return write(day)

    with monkeypatch.context() as patched:
        patched.setattr(standings, "_write", killed_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            standings.write_missing()
    assert StandingDay.objects.count() == 2
    share(targets[0], days_ago(4))
    actions.drain()
    assert standings.write_missing() == 3
    assert_they_are_sums()


_steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("share"),
            st.integers(0, 2),
            st.integers(0, 6),
            st.sampled_from(list(ShareClass)),
        ),
        st.tuples(st.just("drain")),
        st.tuples(st.just("write")),
        st.tuples(st.just("lose"), st.integers(1, 3)),
    ),
    max_size=25,
)


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=_steps)
def test_whatever_comes_in_whatever_order_they_stay_sums(
    targets: list[ShareTarget], steps: list[tuple[Any, ...]]
) -> None:
    for model in (ShareCount, ShareStanding, StandingDay):
        model.objects.all().delete()
    for step in steps:
        if step[0] == "share":
            share(targets[step[1]], days_ago(step[2]), step[3])
        elif step[0] == "drain":
            actions.drain()
            assert_they_are_sums()
        elif step[0] == "write":
            standings.write_missing()
            assert_they_are_sums()
        else:
            # Only the newest can be missing: they are written in order.
            gone = [days_ago(day) for day in range(1, step[1] + 1)]
            StandingDay.objects.filter(day__in=gone).delete()
            for day in gone:
                ShareStanding.objects.of_day(day).delete()
    actions.drain()
    standings.write_missing()
    assert_they_are_sums()


def test_a_standing_has_the_number_of_its_day_and_target(targets: list[ShareTarget]) -> None:
    one, two, _ = targets
    count(one, days_ago(3), 2)
    standings.write_missing()
    rows = list(ShareStanding.objects.of_target(one.pk, [days_ago(1), days_ago(3), days_ago(9)]))
    assert [row.day for row in rows] == [days_ago(3), days_ago(1)]
    assert rows[0].pk == ShareStanding.number(days_ago(3), one.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        ShareStanding.objects.create(pk=ShareStanding.number(days_ago(3), two.pk), target=one)
