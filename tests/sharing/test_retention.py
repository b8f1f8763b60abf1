"""Old days become one sum: nothing is lost, nothing added twice, and no report shows the sum as a day."""

from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sharing import actions, recounting, retention, tallies
from sharing.count_models import FORGOTTEN_DAYS
from sharing.models import (
    ShareClass,
    ShareCount,
    ShareDay,
    ShareEvent,
    ShareStanding,
    ShareTarget,
    ShareTotal,
    StandingDay,
    UncountedShare,
)
from sharing.rankings import Part, rank
from tests.sharing.conftest import Shared
from tests.sharing.counting import ago, at_once, count

pytestmark = pytest.mark.django_db

KEPT = 30


@pytest.fixture(autouse=True)
def _kept(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SHARE_DAYS_RETENTION_DAYS = KEPT
    # Small, so that kills fall between chunks, and within a day.
    monkeypatch.setattr(retention, "ROWS_A_CHUNK", 3)
    monkeypatch.setattr(retention, "BREATH", 0.0)


@pytest.fixture
def targets(db: None) -> list[ShareTarget]:
    """Return two targets with counts on old days and on kept ones."""
    made = [ShareTarget.objects.create(page_id=number, label=f"T{number}") for number in (1, 2)]
    for days in (400, 200, KEPT + 1, KEPT, 1):
        for channel in ("bluesky", "x"):
            count(made[0], ago(days), 2, channel=channel)
            count(made[1], ago(days), 1, channel=channel, share_class=ShareClass.ARRIVAL)
    return made


def sums() -> tuple[Counter[Any], Counter[Any]]:
    """Return counts by target, channel and class, and totals by target."""
    counts: Counter[Any] = Counter()
    for row in ShareCount.objects.all():
        counts[row.target_id, row.channel, row.share_class] += row.count
    totals = Counter(
        {
            row.target_id: (row.intent, row.handed_over, row.arrival)
            for row in ShareTotal.objects.all()
        }
    )
    return counts, totals


def assert_sums_agree() -> None:
    assert [each for step in recounting.recount() for each in step.differences] == []


def test_old_days_are_added_up_and_what_adds_up_stays(targets: list[ShareTarget]) -> None:
    before = sums()
    assert retention.forget_days().counts == 12
    assert sums() == before
    assert set(ShareCount.objects.values_list("day", flat=True)) == {
        FORGOTTEN_DAYS, ago(KEPT), ago(1),
    }  # fmt: skip
    assert set(ShareDay.objects.values_list("day", flat=True)) == {
        FORGOTTEN_DAYS, ago(KEPT), ago(1),
    }  # fmt: skip
    assert ShareCount.objects.get(target=targets[0], channel="x", day=FORGOTTEN_DAYS).count == 6
    assert_sums_agree()


def test_forgetting_again_adds_nothing(targets: list[ShareTarget]) -> None:
    retention.forget_days()
    before = sums()
    assert retention.forget_days() == retention.Forgotten()
    assert sums() == before


def test_a_late_event_of_a_forgotten_day_is_added_up_the_next_night(
    targets: list[ShareTarget],
) -> None:
    retention.forget_days()
    count(targets[0], ago(300), 5)
    assert retention.forget_days().counts == 1
    assert (
        ShareCount.objects.get(target=targets[0], channel="bluesky", day=FORGOTTEN_DAYS).count == 11
    )
    assert_sums_agree()


@pytest.mark.parametrize("name", ["_add", "_subtract_from_days"])
@pytest.mark.parametrize("call", [1, 2, 3, 5])
def test_killed_in_the_middle_nothing_is_lost_and_sums_agree(
    targets: list[ShareTarget], monkeypatch: pytest.MonkeyPatch, name: str, call: int
) -> None:
    before = sums()
    real, calls = getattr(retention, name), [0]

    def kill(*args: Any) -> None:
        calls[0] += 1
        if calls[0] == call:
            raise KeyboardInterrupt
        real(*args)

    with monkeypatch.context() as killed:
        killed.setattr(retention, name, kill)
        try:
            retention.forget_days()
        except KeyboardInterrupt:
            pass
        else:
            assert calls[0] < call
    assert sums() == before
    assert_sums_agree()
    retention.forget_days()
    assert sums() == before
    assert not ShareCount.objects.filter(day__gt=FORGOTTEN_DAYS, day__lt=ago(KEPT)).exists()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_and_a_drain_beside_them_add_each_day_once(targets: list[ShareTarget]) -> None:
    for number in range(40):
        count(targets[number % 2], ago(100 + number), 3, channel=f"c{number % 4}")
    counts, _ = sums()

    def drain() -> None:
        for number in range(20):
            count(targets[0], ago(number % 3), channel="late")
            count(targets[0], ago(100 + number), channel="late")

    at_once(retention.forget_days, retention.forget_days, drain)
    retention.forget_days()
    after, _ = sums()
    assert after - counts == Counter({(targets[0].pk, "late", "intent"): 40})
    assert counts - after == Counter()
    assert not ShareCount.objects.filter(day__gt=FORGOTTEN_DAYS, day__lt=ago(KEPT)).exists()
    assert_sums_agree()


def test_a_sum_that_was_wrong_stops_nothing(targets: list[ShareTarget]) -> None:
    ShareDay.objects.filter(day=ago(400)).update(count=0)
    assert retention.forget_days().counts == 12
    assert not ShareDay.objects.filter(day__gt=FORGOTTEN_DAYS, day__lt=ago(KEPT)).exists()
    assert_sums_agree()


def test_standings_stay_as_far_back_as_kept_days_are_subtracted_from(
    targets: list[ShareTarget],
) -> None:
    for days in (300, KEPT + 2, KEPT + 1, KEPT, 1):
        StandingDay.objects.create(day=ago(days))
        ShareStanding.objects.create(
            pk=ShareStanding.number(ago(days), targets[0].pk), target=targets[0], intent=1
        )
    assert retention.forget_days().standings == 2
    left = {ago(KEPT + 1), ago(KEPT), ago(1)}
    assert set(StandingDay.objects.values_list("day", flat=True)) == left
    assert {row.day for row in ShareStanding.objects.all()} == left


def test_refusals_of_old_days_stay_in_their_sum(db: None) -> None:
    for days, source, number in ((200, "a", 5), (100, "b", 6), (KEPT, "b", 7)):
        UncountedShare.objects.create(day=ago(days), reason="robot", source=source, count=number)
    for expected in (2, 0):
        assert retention.forget_days().refusals == expected
        assert sorted(UncountedShare.objects.values_list("day", "source", "count")) == [
            (FORGOTTEN_DAYS, retention.FORGOTTEN_SOURCE, 11), (ago(KEPT), "b", 7),
        ]  # fmt: skip


def test_kept_for_ever_nothing_is_forgotten(targets: list[ShareTarget], settings: Any) -> None:
    settings.SHARE_DAYS_RETENTION_DAYS = 0
    assert retention.forget_days() == retention.Forgotten()
    assert ShareCount.objects.filter(day=ago(400)).count() == 4


def test_a_chunk_takes_the_same_queries_however_many_rows_there_are(
    targets: list[ShareTarget], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS_A_CHUNK", 1000)

    def number() -> int:
        with CaptureQueriesContext(connection) as queries:
            retention.forget_days()
        return len([query for query in queries if "SAVEPOINT" not in query["sql"]])

    few = number()
    for channel in range(50):
        count(targets[0], ago(200), channel=f"c{channel}")
    assert number() == few == 15


def test_no_report_shows_the_forgotten_days_as_a_day(
    shared: Shared, editor: Client, targets: list[ShareTarget]
) -> None:
    target = ShareTarget.objects.get(code=shared.code)
    count(target, ago(200), 41)
    count(target, ago(2), 3)
    retention.forget_days()
    scope = tallies.Scope(first=ago(365), last=ago(0))
    assert FORGOTTEN_DAYS not in tallies.by_day(scope)
    rows = rank(scope, ago(731), [Part("shared", None)]).parts[0]
    assert {row.named.target_id: row.now.shared for row in rows}[target.pk] == 3
    page = editor.get("/admin/reports/shares/")
    assert page.status_code == 200
    assert "1970" not in page.content.decode()


def test_ids_are_forgotten_in_chunks(
    targets: list[ShareTarget], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "IDS_A_CHUNK", 4)
    ShareEvent.objects.filter(target=targets[0]).update(recorded_at="2026-01-01T00:00Z")
    kept = ShareEvent.objects.filter(target=targets[1]).count()
    # Everything that waited is counted: of what is old no copy can come any more.
    actions.drain()
    assert actions.prune_events() == 20
    assert ShareEvent.objects.count() == kept
