"""The counts of the benchmarks are written past the code that counts, and must be what it would have kept."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection

from articles.models import HomePage
from bench import articles, share_counts
from bench.share_year import CHANNELS, DAYS, NOW, days
from sharing.models import (
    ShareClass,
    ShareCount,
    ShareDay,
    ShareStanding,
    ShareTarget,
    ShareTotal,
    StandingDay,
)

TARGETS, EVERY = 5, 50


def described() -> list[object]:
    with connection.cursor() as cursor:
        return [
            connection.introspection.get_constraints(cursor, model._meta.db_table)
            for model in (ShareCount, ShareStanding)
        ]


@pytest.fixture
def filled(home: HomePage) -> list[ShareCount]:
    """Return a year of counts of five targets, all that there are."""
    articles.fill(2)
    before = described()
    share_counts.fill(TARGETS, 7)
    share_counts.fill(TARGETS, EVERY)
    assert described() == before
    return list(ShareCount.objects.all())


def test_each_target_has_a_count_through_each_channel_on_every_so_many_days(
    filled: list[ShareCount],
) -> None:
    first = set(ShareTarget.objects.order_by("pk").values_list("pk", flat=True)[:TARGETS])
    seen = Counter((row.target_id, row.channel) for row in filled)

    assert len(seen) == TARGETS * CHANNELS
    assert {target for target, _ in seen} == first
    assert set(seen.values()) <= {DAYS // EVERY, DAYS // EVERY + 1}
    assert {row.day for row in filled} <= set(days())
    assert max(days()) == NOW.date()
    assert len(days()) == DAYS


def test_what_is_kept_beside_the_counts_is_their_sums(filled: list[ShareCount]) -> None:
    by_target: Counter[tuple[int, str]] = Counter()
    by_day: Counter[tuple[object, str, str]] = Counter()
    for row in filled:
        by_target[row.target_id, row.share_class] += row.count
        by_day[row.day, row.channel, row.share_class] += row.count

    for total in ShareTotal.objects.all():
        for each in ShareClass.values:
            assert getattr(total, each) == by_target[total.target_id, each]
    assert ShareTotal.objects.count() == TARGETS
    kept = {(row.day, row.channel, row.share_class): row.count for row in ShareDay.objects.all()}
    assert kept == by_day


def test_standings_are_what_was_counted_up_to_each_day_that_is_over(
    filled: list[ShareCount],
) -> None:
    closed = [days()[0] - timedelta(1), *days()[:-1]]
    expected = {}
    for day in closed:
        sums: Counter[tuple[int, str]] = Counter()
        for row in filled:
            if row.day <= day:
                sums[row.target_id, row.share_class] += row.count
        for target in {target for target, _ in sums}:
            expected[day, target] = [sums[target, each] for each in ShareClass.values]

    assert {
        (row.day, row.target_id): [getattr(row, each) for each in ShareClass.values]
        for row in ShareStanding.objects.all()
    } == expected
    assert sorted(StandingDay.objects.values_list("day", flat=True)) == closed


def test_more_targets_than_there_are_is_said(home: HomePage) -> None:
    with pytest.raises(SystemExit, match="not 1,000"):
        share_counts.fill(1000, EVERY)
