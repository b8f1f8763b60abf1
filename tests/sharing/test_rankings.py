"""A ranking is what plain sums of days say, whichever way the database takes to it."""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sharing import rankings, standings
from sharing.models import (
    ShareClass,
    ShareCount,
    ShareStanding,
    ShareTarget,
    ShareTotal,
    StandingDay,
)
from sharing.rankings import Part, Ranked, rank
from sharing.tallies import Named, Scope, Tally

pytestmark = pytest.mark.django_db
TARGETS = 5
CLASSES = [each.value for each in ShareClass]
LABELS = ["Sleep", "rest", "Ärzte", "100 % of_it", "Sleep"]


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def days_ago(days: int) -> date:
    return today() - timedelta(days)


@pytest.fixture
def targets(db: None) -> list[ShareTarget]:
    """Two articles; the first of three sections."""
    pages = [1, 1, 1, 1, 2]
    return [
        ShareTarget.objects.create(
            page_id=pages[number],
            block_id=UUID(int=number) if 0 < number < 4 else None,
            label=LABELS[number],
        )
        for number in range(TARGETS)
    ]


counts = st.dictionaries(
    st.tuples(
        st.integers(0, TARGETS - 1),
        st.sampled_from(["x", "bluesky"]),
        st.sampled_from(CLASSES),
        st.integers(0, 12),
    ),
    st.integers(1, 30),
    min_size=8,
    max_size=40,
)
scopes = st.fixed_dictionaries(
    {
        "last": st.integers(0, 3),
        "days": st.integers(1, 5),
        "channel": st.sampled_from(["", "", "", "x"]),
        "share_class": st.sampled_from(["", "", "intent", "arrival"]),
        "title": st.sampled_from(["", "", "", "", "sleep", "%", "_", "'"]),
        "only": st.sampled_from([None, None, None, None, (), (0,), (1, 3)]),
        "by": st.sampled_from(["shared", "per_share", "title", "arrival"]),
        "descending": st.booleans(),
        "at_once": st.sampled_from([1, 3, 50]),
        "written": st.sampled_from([True, True, True, False]),
    }
)


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(counted=counts, asked=scopes)
def test_it_says_what_the_sums_of_days_say(
    targets: list[ShareTarget], counted: dict[Any, int], asked: dict[str, Any]
) -> None:
    for model in (ShareCount, ShareStanding, StandingDay, ShareTotal):
        model.objects.all().delete()
    ShareCount.objects.bulk_create(
        ShareCount(
            target=targets[place],
            channel=channel,
            share_class=name,
            day=days_ago(day),
            count=number,
        )
        for (place, channel, name, day), number in counted.items()
    )
    for target in targets:
        total = dict.fromkeys(CLASSES, 0)
        for row in ShareCount.objects.filter(target=target):
            total[row.share_class] += row.count
        if any(total.values()):
            ShareTotal.objects.create(target=target, **total)
    if asked["written"]:
        standings.write_missing()
    last = days_ago(asked["last"])
    first = last - timedelta(asked["days"] - 1)
    before = first - timedelta(asked["days"])
    only = None if asked["only"] is None else tuple(targets[place].pk for place in asked["only"])
    scope = Scope(first, last, only, asked["title"], asked["channel"], asked["share_class"])
    part = Part(asked["by"], None, descending=asked["descending"])
    found = rank(
        scope,
        before,
        [part, Part(asked["by"], 2, 1, descending=asked["descending"]), Part("shared", None, what="rise"),
         Part("shared", None, what="fall"), Part("shared", None, sections_only=True)],
    )  # fmt: skip
    rows = {row.named.target_id: row for row in found.parts[0]}
    wanted_now = _sums(scope, first, last)
    wanted_then = _sums(scope, before, first - timedelta(1))
    assert {key: row.now for key, row in rows.items()} == wanted_now
    assert {key: row.then for key, row in rows.items()} == {
        key: wanted_then.get(key, Tally()) for key in wanted_now
    }
    assert found.counted == len(wanted_now)
    assert _is_ordered(found.parts[0], part)
    assert found.parts[1] == found.parts[0][1:3]
    either = set(wanted_now) | set(wanted_then)
    apart = {
        key: wanted_now.get(key, Tally()).shared - wanted_then.get(key, Tally()).shared
        for key in either
    }
    rise, fall = found.parts[2], found.parts[3]
    assert {row.named.target_id for row in rise} == {
        key for key, number in apart.items() if number > 0
    }
    assert {row.named.target_id for row in fall} == {
        key for key, number in apart.items() if number < 0
    }
    for part_ in (rise, fall):
        sizes = [abs(apart[row.named.target_id]) for row in part_]
        assert sizes == sorted(sizes, reverse=True)
    assert all(row.named.is_section for row in found.parts[4])
    assert_limited_lists_are_the_beginnings(scope, before, found.parts[2:], asked["at_once"])
    assert all((row.article == "Sleep") == row.named.is_section for row in found.parts[0])


def assert_limited_lists_are_the_beginnings(
    scope: Scope, before: date, whole: Sequence[Sequence[Ranked]], at_once: int
) -> None:
    """Cut from so many at once, so that there are equal ones beyond them, and too few sections among them."""
    limited = [
        Part("shared", 2),
        Part("shared", 1, 1),
        Part("shared", 2, sections_only=True),
        Part("shared", 1, what="rise"),
        Part("shared", 1, what="fall"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rankings, "_FIRST", at_once)
        first, second, sections, rise, fall = rank(scope, before, limited).parts
    (every,) = rank(scope, before, [Part("shared", None)]).parts
    assert (first, second) == (every[:2], every[1:2])
    assert (rise, fall, sections) == (whole[0][:1], whole[1][:1], whole[2][:2])


def _sums(scope: Scope, first: date, last: date) -> dict[int, Tally]:
    found: dict[int, Tally] = {}
    for row in ShareCount.objects.filter(day__range=(first, last)).select_related("target"):
        if scope.target_ids is not None and row.target_id not in scope.target_ids:
            continue
        if scope.title.casefold() not in row.target.label.casefold():
            continue
        if scope.channel not in {"", row.channel} or scope.share_class not in {"", row.share_class}:
            continue
        tally = Tally(**{row.share_class: row.count})
        found[row.target_id] = found.get(row.target_id, Tally()) + tally
    return found


def _is_ordered(rows: tuple[Ranked, ...], part: Part) -> bool:
    def number(row: Ranked) -> float:
        if part.by == "per_share":
            return -1 if row.now.arrivals_per_share is None else row.now.arrivals_per_share
        return row.now.shared if part.by == "shared" else row.now.of(part.by)

    if part.by == "title":
        return [row.named.label for row in rows] == sorted(
            (row.named.label for row in rows), key=str.upper, reverse=part.descending
        ) or any(not row.named.label.isascii() for row in rows)
    numbers = [number(row) for row in rows]
    return numbers == sorted(numbers, reverse=part.descending)


def test_it_asks_two_questions_whatever_there_is(
    targets: list[ShareTarget], django_assert_num_queries: Any
) -> None:
    scope = Scope(days_ago(6), days_ago(0))
    parts = [
        Part("shared", 25),
        Part("title", 25, descending=False),
        Part("shared", 5, what="rise"),
    ]
    with django_assert_num_queries(2):
        rank(scope, days_ago(13), parts)
    with django_assert_num_queries(1):
        rank(Scope(days_ago(6), days_ago(0), channel="x"), days_ago(13), parts)
    assert Named(1, 1, "", "", False)
