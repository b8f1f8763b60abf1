"""Recounting finds every sum that is not what the counts add up to, while drains go on, and mends it."""

import logging
import threading
from datetime import date

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from sharing import pipeline, recounting, valkey
from sharing.count_models import FORGOTTEN_DAYS
from sharing.models import (
    ShareClass,
    ShareCount,
    ShareDay,
    ShareStanding,
    ShareTarget,
    ShareTotal,
    StandingDay,
)
from sharing.recounting import Difference, Sums, standings, totals
from sharing.recounting.steps import Row
from tests.sharing.counting import ago, at_once, count

pytestmark = pytest.mark.django_db


@pytest.fixture
def targets(db: None) -> list[ShareTarget]:
    """Return three targets with counts on some days through some channels."""
    made = [
        ShareTarget.objects.create(page_id=number, label=f"T{number}") for number in range(1, 4)
    ]
    count(made[0], ago(9), 3)
    count(made[0], ago(2), 2, share_class=ShareClass.ARRIVAL)
    count(made[0], ago(2), 4, channel="x")
    count(made[1], ago(5), 1, share_class=ShareClass.HANDED_OVER)
    return made


def differences(*, repair: bool = False) -> list[Difference]:
    return [each for step in recounting.recount(repair=repair) for each in step.differences]


def stand(target: ShareTarget, day: date, **numbers: int) -> None:
    ShareStanding.objects.create(pk=ShareStanding.number(day, target.pk), target=target, **numbers)


def close_days(*days: date) -> None:
    """Write standings of days, computed one by one."""
    for day in days:
        StandingDay.objects.create(day=day)
        for target in ShareTarget.objects.all():
            numbers = dict.fromkeys(ShareClass.values, 0)
            for row in ShareCount.objects.filter(target=target, day__lte=day):
                numbers[row.share_class] += row.count
            if any(numbers.values()):
                stand(target, day, **numbers)


def test_what_was_counted_adds_up(targets: list[ShareTarget]) -> None:
    close_days(ago(9), ago(5), ago(1))
    assert differences() == []


def test_without_any_count_there_is_nothing_to_find(db: None) -> None:
    steps = list(recounting.recount())
    assert [(step.what, step.done, step.of) for step in steps] == [
        (Sums.TOTALS, 0, 0), (Sums.DAYS, 0, 0), (Sums.STANDINGS, 0, 0),
    ]  # fmt: skip


def test_a_total_that_is_wrong_is_told_with_both_numbers(targets: list[ShareTarget]) -> None:
    ShareTotal.objects.filter(target=targets[0]).update(intent=F("intent") + 5, arrival=0)
    key = f"target {targets[0].pk}"
    assert differences() == [
        Difference(Sums.TOTALS, f"{key}, intent", 12, 7),
        Difference(Sums.TOTALS, f"{key}, arrival", 0, 2),
    ]


def test_a_total_that_is_missing_or_of_nothing_is_told(targets: list[ShareTarget]) -> None:
    ShareTotal.objects.filter(target=targets[1]).delete()
    ShareTotal.objects.create(target=targets[2], mention=1)
    assert differences() == [
        Difference(Sums.TOTALS, f"target {targets[1].pk}, handed_over", 0, 1),
        Difference(Sums.TOTALS, f"target {targets[2].pk}, mention", 1, 0),
    ]


def test_a_day_that_is_wrong_missing_or_of_nothing_is_told(targets: list[ShareTarget]) -> None:
    ShareDay.objects.filter(day=ago(9)).update(count=8)
    ShareDay.objects.filter(day=ago(5)).delete()
    ShareDay.objects.create(day=ago(30), channel="x", share_class="intent", count=2)
    ShareDay.objects.create(day=FORGOTTEN_DAYS, channel="x", share_class="intent", count=1)
    assert differences() == [
        Difference(Sums.DAYS, "forgotten days, x, intent", 1, 0),
        Difference(Sums.DAYS, f"{ago(30)}, x, intent", 2, 0),
        Difference(Sums.DAYS, f"{ago(9)}, bluesky, intent", 8, 3),
        Difference(Sums.DAYS, f"{ago(5)}, bluesky, handed_over", 0, 1),
    ]


def test_a_standing_that_is_wrong_missing_or_too_much_is_told(targets: list[ShareTarget]) -> None:
    close_days(ago(9), ago(2))
    rows = ShareStanding.objects
    rows.of_target(targets[0].pk, [ago(9)]).update(intent=1)
    rows.of_target(targets[1].pk, [ago(2)]).delete()
    stand(targets[2], ago(2), mention=1)
    stand(targets[2], ago(1), mention=2)
    first, second, third = (each.pk for each in targets)
    assert differences() == [
        Difference(Sums.STANDINGS, f"target {first} up to {ago(9)}, intent", 1, 3),
        Difference(Sums.STANDINGS, f"target {second} up to {ago(2)}, handed_over", 0, 1),
        Difference(Sums.STANDINGS, f"target {third} up to {ago(2)}, mention", 1, 0),
        Difference(Sums.STANDINGS, f"target {third} up to {ago(1)}, mention", 2, 0),
    ]


def test_forgotten_days_are_part_of_every_standing(targets: list[ShareTarget]) -> None:
    count(targets[0], FORGOTTEN_DAYS, 4)
    close_days(ago(9))
    assert ShareStanding.objects.get(target=targets[0]).intent == 7
    assert differences() == []


def test_repairing_writes_what_was_computed_and_says_it_once(targets: list[ShareTarget]) -> None:
    close_days(ago(9), ago(2))
    right = _everything()
    ShareTotal.objects.update(intent=F("intent") + 1)
    ShareTotal.objects.filter(target=targets[1]).delete()
    ShareDay.objects.filter(day=ago(9)).update(count=8)
    ShareDay.objects.filter(day=ago(5)).delete()
    ShareDay.objects.create(day=ago(30), channel="x", share_class="intent", count=2)
    ShareStanding.objects.filter(target=targets[0]).update(arrival=9)
    ShareStanding.objects.filter(target=targets[1]).delete()
    stand(targets[2], ago(1), mention=2)
    assert len(differences(repair=True)) == 9
    assert _everything() == right
    assert differences() == []


def _everything() -> list[object]:
    numbers = ("intent", "handed_over", "arrival", "observed", "mention")
    return [
        sorted(ShareTotal.objects.values_list("target", *numbers)),
        sorted(ShareDay.objects.values_list("day", "channel", "share_class", "count")),
        sorted(ShareStanding.objects.values_list("target", "pk", *numbers)),
    ]


def test_a_repair_that_is_killed_leaves_whole_steps(targets: list[ShareTarget]) -> None:
    ShareTotal.objects.update(mention=1)
    ShareDay.objects.update(count=50)
    steps = recounting.recount(repair=True)
    assert next(steps).what == Sums.TOTALS
    steps.close()
    assert {each.what for each in differences()} == {Sums.DAYS}


def test_progress_ends_where_everything_is_done(
    targets: list[ShareTarget], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totals, "TARGETS_A_STEP", 2)
    monkeypatch.setattr(standings, "TARGETS_A_STEP", 2)
    close_days(ago(9))
    told: dict[Sums, list[tuple[int, int]]] = {what: [] for what in Sums}
    for step in recounting.recount():
        told[step.what].append((step.done, step.of))
    assert told[Sums.TOTALS] == told[Sums.STANDINGS] == [(2, 3), (3, 3)]
    assert told[Sums.DAYS] == [(1, 8), (5, 8), (8, 8)]


def test_queries_grow_with_steps_and_not_with_rows(targets: list[ShareTarget]) -> None:
    def number() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert differences() == []
        return len(queries)

    close_days(ago(9))
    before = number()
    for channel in range(20):
        count(targets[2], ago(5), channel=f"channel-{channel}")
        count(targets[1], ago(9), channel=f"channel-{channel}")
    StandingDay.objects.all().delete()
    ShareStanding.objects.all().delete()
    close_days(ago(9))
    assert number() == before == 22


def test_the_nightly_comparison_logs_what_differs_and_leaves_the_number(
    targets: list[ShareTarget], caplog: pytest.LogCaptureFixture
) -> None:
    assert recounting.verify() == 0
    assert not caplog.records
    ShareDay.objects.filter(day=ago(9)).update(count=8)
    with caplog.at_level(logging.ERROR):
        assert recounting.verify() == 1
    assert f"{ago(9)}, bluesky, intent: 8 is kept, 3 was computed" in caplog.text
    assert "1 sums of share counts differ" in caplog.text
    verified = pipeline.stream_state(valkey.events()).verified
    assert verified is not None
    assert verified.differences == 1
    assert ShareDay.objects.get(day=ago(9)).count == 8, "it only looks"


@pytest.mark.django_db(transaction=True)
def test_sums_agree_at_every_moment_while_drains_go_on() -> None:
    targets = [ShareTarget.objects.create(page_id=number, label="T") for number in range(1, 6)]
    ended = threading.Event()
    found: list[Difference] = []
    rounds = [0]

    def drain() -> None:
        try:
            for number in range(60):
                count(targets[number % 5], ago(number % 7), 5, channel=f"c{number % 3}")
        finally:
            ended.set()

    def look() -> None:
        while not ended.is_set() or not rounds[0]:
            found.extend(differences())
            rounds[0] += 1

    at_once(drain, look)
    assert found == []
    assert sum(ShareCount.objects.values_list("count", flat=True)) == 300


@pytest.mark.django_db(transaction=True)
def test_a_repair_beside_drains_loses_nothing_that_they_add() -> None:
    targets = [ShareTarget.objects.create(page_id=number, label="T") for number in range(1, 4)]
    ended = threading.Event()

    def drain() -> None:
        try:
            for number in range(60):
                count(targets[number % 3], ago(number % 5), 2)
        finally:
            ended.set()

    def spoil_and_repair() -> None:
        while not ended.is_set():
            ShareTotal.objects.filter(target=targets[0]).update(intent=F("intent") + 7)
            ShareDay.objects.filter(day=ago(1)).update(count=F("count") + 7)
            differences(repair=True)

    at_once(drain, spoil_and_repair)
    differences(repair=True)
    assert sum(ShareTotal.objects.values_list("intent", flat=True)) == 120
    assert sum(ShareDay.objects.values_list("count", flat=True)) == 120
    assert differences() == []


@pytest.mark.django_db(transaction=True)
def test_who_counts_while_a_total_is_being_repaired_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = ShareTarget.objects.create(page_id=1, label="T")
    count(target, ago(3), 2)
    ShareTotal.objects.update(intent=50)
    write = totals.write

    def drain() -> None:
        try:
            count(target, ago(3), 4)
        finally:
            connection.close()

    draining = threading.Thread(target=drain)

    def write_late(rows: list[Row]) -> None:
        draining.start()
        # It cannot end before this transaction does; without the lock it would have by then.
        draining.join(0.5)
        assert draining.is_alive()
        write(rows)

    monkeypatch.setattr(totals, "write", write_late)
    next(recounting.recount(repair=True))
    draining.join(60)
    assert ShareTotal.objects.get().intent == 6
    assert differences() == []
