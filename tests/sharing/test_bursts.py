"""A flood is recorded and held back; what an editor decides moves exactly its numbers, and can be taken back."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sharing import actions, burst_actions, bursts, queries
from sharing.count_models import FORGOTTEN_DAYS
from sharing.models import (
    HeldCount,
    ShareBurst,
    ShareClass,
    ShareCount,
    ShareDay,
    ShareHour,
    ShareStanding,
    ShareTarget,
    StandingDay,
)
from tests.sharing.conftest import Shared
from tests.sharing.floods import (
    HOUR,
    LIMIT,
    assert_exact,
    burst,
    count,
    counted,
    event,
    flood,
    held,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _guard(settings: Any) -> None:
    settings.SHARE_BURST_LIMIT = LIMIT
    settings.SHARE_EVENT_BATCH = 1000


@pytest.fixture
def target(db: None) -> ShareTarget:
    return ShareTarget.objects.create(page_id=1, label="Sleep")


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("petra")


def test_what_is_beyond_the_limit_is_held_and_not_counted(target: ShareTarget) -> None:
    flood(target, LIMIT + 7)
    assert (counted(), held()) == (LIMIT, 7)
    assert burst().limit == LIMIT
    assert_exact(LIMIT + 7)


def test_up_to_the_limit_nothing_is_held(target: ShareTarget) -> None:
    flood(target, LIMIT)
    assert (counted(), held()) == (LIMIT, 0)
    assert not ShareBurst.objects.exists()


def test_each_target_and_each_hour_has_a_limit_of_its_own(target: ShareTarget) -> None:
    other = ShareTarget.objects.create(page_id=2, label="Rest")
    flood(target, LIMIT)
    flood(other, LIMIT)
    flood(target, LIMIT, at=HOUR + timedelta(hours=1))
    assert (counted(), held()) == (3 * LIMIT, 0)


def test_the_limit_is_for_the_hour_of_acceptance_and_counts_stand_on_their_day(
    target: ShareTarget,
) -> None:
    late = HOUR - timedelta(days=3)
    flood(target, LIMIT, occurred_at=late)
    flood(target, 4, occurred_at=late)
    assert (counted(), held()) == (LIMIT, 4)
    assert HeldCount.objects.get().day == ShareCount.objects.get().day == late.date()


def test_arrivals_are_noted_and_never_held(target: ShareTarget) -> None:
    flood(target, 5 * LIMIT, share_class=ShareClass.ARRIVAL)
    flood(target, LIMIT)
    assert counted(target, ShareClass.ARRIVAL) == 5 * LIMIT
    assert (counted(), held()) == (LIMIT, 0)
    flood(target, 3)
    flood(target, LIMIT, share_class=ShareClass.ARRIVAL)
    assert ShareHour.objects.get().arrivals == 6 * LIMIT
    assert counted(target, ShareClass.ARRIVAL) == 6 * LIMIT
    assert_exact(LIMIT + 3)


def test_intents_and_handed_over_shares_share_one_limit(target: ShareTarget) -> None:
    flood(target, LIMIT - 2)
    flood(target, 5, share_class=ShareClass.HANDED_OVER)
    assert held() == 3
    assert HeldCount.objects.get().share_class == ShareClass.HANDED_OVER


def test_the_same_events_are_held_whatever_order_they_came_in(target: ShareTarget) -> None:
    events = [event(target, channel=f"c{number % 4}") for number in range(LIMIT + 6)]
    random.Random(1).shuffle(events)
    count(*events)
    assert dict(ShareCount.objects.values_list("channel", "count")) == {"c0": 4, "c1": 4, "c2": 2}


@pytest.mark.parametrize("seed", range(4))
def test_however_batches_are_split_the_same_numbers_are_held(
    seed: int, target: ShareTarget
) -> None:
    chance = random.Random(seed)
    left = 5 * LIMIT
    while left:
        some = chance.randint(1, left)
        flood(target, some)
        left -= some
        assert_exact(5 * LIMIT - left)
    assert (counted(), held()) == (LIMIT, 4 * LIMIT)


def test_an_event_that_comes_twice_is_held_once(target: ShareTarget) -> None:
    events = [event(target) for _ in range(LIMIT + 3)]
    count(*events)
    count(*events)
    assert_exact(LIMIT + 3)


def test_a_drain_that_is_killed_holds_nothing(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(LIMIT + 3):
        actions.accept(event=event(target, at=timezone.now()))

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sharing.standings.add_late", killed)
        with pytest.raises(KeyboardInterrupt):
            actions.drain()
    assert not HeldCount.objects.exists()
    assert not ShareHour.objects.exists()
    # Ten at once, three held, unless the hour was over in the middle of it.
    assert actions.drain() == LIMIT + 3
    assert_exact(LIMIT + 3)


def test_a_limit_of_nothing_switches_the_guard_off(target: ShareTarget, settings: Any) -> None:
    settings.SHARE_BURST_LIMIT = 0
    flood(target, 5 * LIMIT)
    assert (counted(), held()) == (5 * LIMIT, 0)
    assert not ShareHour.objects.exists()


def test_a_batch_costs_one_statement_more_where_nothing_is_held(
    target: ShareTarget, settings: Any
) -> None:
    targets = [target, *(ShareTarget.objects.create(page_id=n, label="T") for n in range(2, 9))]
    settings.SHARE_BURST_LIMIT = 0
    with CaptureQueriesContext(connection) as without:
        count(*(event(each) for each in targets))
    settings.SHARE_BURST_LIMIT = LIMIT
    with CaptureQueriesContext(connection) as guarded:
        count(*(event(each) for each in targets))
    assert len(guarded) == len(without) + 1


def test_many_floods_in_one_batch_cost_the_same_statements(target: ShareTarget) -> None:
    numbers = []
    for many in (1, 6):
        targets = [
            ShareTarget.objects.create(page_id=many * 100 + n, label="T") for n in range(many)
        ]
        events = [event(each) for each in targets for _ in range(LIMIT + 1)]
        with CaptureQueriesContext(connection) as statements:
            count(*events)
        numbers.append(len(statements))
    assert numbers[0] == numbers[1]


# What raises the limit


def test_a_busy_target_may_have_four_times_its_busiest_hour(target: ShareTarget) -> None:
    flood(target, 8, at=HOUR - timedelta(days=3))
    flood(target, 20)
    assert (counted(), held()) == (28, 0)
    flood(target, 20)
    assert burst().limit == 32
    assert (counted(), held()) == (8 + 32, 8)


def test_hours_older_than_28_days_and_of_the_last_day_teach_nothing(target: ShareTarget) -> None:
    flood(target, 9, at=HOUR - timedelta(days=28, hours=1))
    flood(target, 9, at=HOUR - timedelta(hours=24))
    flood(target, LIMIT + 1)
    assert burst().limit == LIMIT


def test_what_was_held_and_what_was_dropped_teach_nothing(target: ShareTarget, user: User) -> None:
    flood(target, 50, at=HOUR - timedelta(days=2))
    burst_actions.drop(burst=burst(), user=user)
    flood(target, 50, at=HOUR - timedelta(days=3))
    flood(target, 50)
    assert ShareBurst.objects.get(hour=HOUR).limit == LIMIT


def test_an_accepted_flood_teaches_the_limit_at_once(target: ShareTarget, user: User) -> None:
    flood(target, 50, at=HOUR - timedelta(hours=1))
    burst_actions.accept(burst=burst(), user=user)
    flood(target, 201)
    assert ShareBurst.objects.get(hour=HOUR).limit == 200
    assert held() == 1
    assert_exact(251)


def test_an_hour_keeps_the_limit_that_it_was_held_by(target: ShareTarget, settings: Any) -> None:
    flood(target, LIMIT + 1)
    settings.SHARE_BURST_LIMIT = 1000
    flood(target, 5)
    assert (counted(), held()) == (LIMIT, 6)


# What an editor decides


def test_accepted_a_flood_counts_by_its_own_channels_classes_and_days(
    target: ShareTarget, user: User
) -> None:
    flood(target, LIMIT)
    flood(target, 3, channel="x", occurred_at=HOUR - timedelta(days=1))
    flood(target, 4, channel="copy-link", share_class=ShareClass.HANDED_OVER)
    assert burst_actions.accept(burst=burst(), user=user)
    rows = set(ShareCount.objects.values_list("channel", "share_class", "day", "count"))
    assert rows == {
        ("bluesky", "intent", HOUR.date(), LIMIT),
        ("x", "intent", HOUR.date() - timedelta(days=1), 3),
        ("copy-link", "handed_over", HOUR.date(), 4),
    }
    assert_exact(LIMIT + 7)
    now = burst()
    assert (now.state, now.decided_by) == ("accepted", user)
    assert now.decided_at is not None


def test_what_comes_after_the_decision_goes_the_same_way(target: ShareTarget, user: User) -> None:
    flood(target, LIMIT + 1)
    burst_actions.accept(burst=burst(), user=user)
    flood(target, 5)
    assert (counted(), held()) == (LIMIT + 6, 0)
    burst_actions.drop(burst=burst(), user=user)
    assert (counted(), held()) == (LIMIT, 6)
    flood(target, 2)
    assert (counted(), held()) == (LIMIT, 8)
    assert_exact(LIMIT + 8)


def test_the_counts_do_not_tell_when_it_was_decided(user: User) -> None:
    found = []
    for moment in range(3):
        target = ShareTarget.objects.create(page_id=10 + moment, label="T")
        for batch in range(3):
            flood(target, LIMIT + 1, channel=f"c{batch}")
            if batch == moment:
                burst_actions.accept(burst=ShareBurst.objects.get(target=target), user=user)
        burst_actions.drop(burst=ShareBurst.objects.get(target=target), user=user)
        rows = ShareCount.objects.filter(target=target, count__gt=0)
        found.append(list(rows.values_list("channel", "count")))
    assert found == [[("c0", LIMIT)]] * 3


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_decided_in_any_order_nothing_is_lost_or_doubled(
    seed: int, target: ShareTarget, user: User
) -> None:
    chance = random.Random(seed)
    flood(target, LIMIT + 1)
    sent = LIMIT + 1
    for _ in range(12):
        some = chance.randint(0, 3)
        flood(target, some)
        sent += some
        act = chance.choice([burst_actions.accept, burst_actions.drop, burst_actions.reopen])
        act(burst=burst(), user=user)
        assert_exact(sent)
    burst_actions.reopen(burst=burst(), user=user)
    assert (counted(), held()) == (LIMIT, sent - LIMIT)


def test_a_decision_made_twice_is_made_once(target: ShareTarget, user: User) -> None:
    flood(target, LIMIT + 7)
    seen = burst()
    assert burst_actions.accept(burst=seen, user=user, seen="held")
    assert not burst_actions.accept(burst=seen, user=user, seen="held")
    assert_exact(LIMIT + 7)
    assert burst_actions.drop(burst=seen, user=user, seen="accepted")
    assert not burst_actions.drop(burst=seen, user=user, seen="accepted")
    assert counted() == LIMIT


def test_a_decision_about_what_is_no_longer_so_changes_nothing(
    target: ShareTarget, user: User
) -> None:
    flood(target, LIMIT + 7)
    seen = burst()
    burst_actions.drop(burst=seen, user=user, seen="held")
    with pytest.raises(burst_actions.Changed) as other:
        burst_actions.accept(burst=seen, user=user, seen="held")
    assert other.value.burst.state == "dropped"
    assert counted() == LIMIT


def test_a_counted_flood_is_taken_out_of_forgotten_days_too(
    target: ShareTarget, user: User
) -> None:
    flood(target, LIMIT + 7)
    burst_actions.accept(burst=burst(), user=user)
    # As pruning does: the days are added up under one.
    ShareCount.objects.update(day=FORGOTTEN_DAYS)
    ShareDay.objects.update(day=FORGOTTEN_DAYS)
    burst_actions.drop(burst=burst(), user=user)
    assert_exact(LIMIT + 7)


def test_standings_of_days_that_are_over_are_put_back_too(target: ShareTarget, user: User) -> None:
    flood(target, LIMIT + 7)
    burst_actions.accept(burst=burst(), user=user)
    days = [HOUR.date() + timedelta(days=number) for number in (-1, 0, 1)]
    for day, number in zip(days, (3, LIMIT + 7, LIMIT + 9), strict=True):
        StandingDay.objects.get_or_create(day=day)
        ShareStanding.objects.update_or_create(
            pk=ShareStanding.number(day, target.pk), target=target, defaults={"intent": number}
        )
    burst_actions.drop(burst=burst(), user=user)
    found = ShareStanding.objects.order_by("pk").values_list("intent", flat=True)
    assert list(found) == [3, LIMIT, LIMIT + 2]


def test_nothing_is_taken_below_zero(target: ShareTarget, user: User) -> None:
    flood(target, LIMIT + 7)
    burst_actions.accept(burst=burst(), user=user)
    ShareCount.objects.update(count=3)
    with pytest.raises(burst_actions.Forgotten):
        burst_actions.drop(burst=burst(), user=user)
    assert burst().state == "accepted"
    assert ShareCount.objects.get().count == 3


def test_readers_see_nothing_that_is_held(
    shared: Shared, reader: Client, publisher: Client
) -> None:
    target = ShareTarget.objects.get(code=shared.code)
    flood(target, LIMIT + 7331, at=timezone.now())
    beyond = held()
    assert beyond == 7331
    assert queries.counts([target.pk])[target.pk].total == LIMIT
    counts = reader.get(f"/api/v1/share-counts/{shared.code}/").json()
    assert f'"total": {LIMIT}' in str(counts).replace("'", '"')
    page = reader.get(f"/share/{shared.code}/").content.decode().lower()
    assert "held back" not in page
    assert "flood" not in page
    assert str(LIMIT + beyond) not in page
    report = publisher.get("/admin/reports/shares/", {"export": "csv", "table": "targets"})
    body = b"".join(report.streaming_content)  # type: ignore[attr-defined]  # a streamed file
    assert str(LIMIT) in body.decode()
    assert str(LIMIT + beyond) not in body.decode()


# What is forgotten


def test_prune_forgets_old_hours_and_the_numbers_of_old_decisions_alone(
    user: User, settings: Any
) -> None:
    now = timezone.now()
    old = now - timedelta(days=100)
    for page, decide in enumerate((burst_actions.accept, burst_actions.drop, None)):
        target = ShareTarget.objects.create(page_id=page + 1, label="T")
        flood(target, LIMIT + 1, at=old)
        flood(target, LIMIT + 1, at=now)
        if decide:
            for each in ShareBurst.objects.filter(target=target):
                decide(burst=each, user=user)
    ShareBurst.objects.filter(hour__lt=now - timedelta(days=50)).exclude(state="held").update(
        decided_at=old
    )
    total = counted()
    assert bursts.prune_hours() == 3 + 2
    assert ShareHour.objects.count() == 3
    assert ShareBurst.objects.count() == 6
    assert set(HeldCount.objects.values_list("burst__state", flat=True)) == {
        "accepted",
        "dropped",
        "held",
    }
    assert counted() == total
    forgotten = ShareBurst.objects.get(state="accepted", hour__lt=now - timedelta(days=50))
    with pytest.raises(burst_actions.Forgotten):
        burst_actions.drop(burst=forgotten, user=user)
    waiting = ShareBurst.objects.get(state="held", hour__lt=now - timedelta(days=50))
    assert burst_actions.accept(burst=waiting, user=user)
    assert counted() == total + 1
    assert bursts.prune_hours() == 0


def test_the_moment_of_an_hour_is_read_back_as_it_was_written(
    readers: Callable[[], Client], target: ShareTarget
) -> None:
    assert bursts._moment("2026-03-10 14:00:00") == HOUR
    assert bursts._moment(datetime(2026, 3, 10, 14, tzinfo=UTC)) == HOUR
