"""What is no reader's share is counted apart by reason and day, and nothing else of it is kept."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from redis import Redis

from sharing import filtered
from sharing.filtered import Reason
from sharing.models import ShareCount, UncountedShare
from tests.conftest import new_reader
from tests.services import events_server
from tests.sharing.conftest import Shared

pytestmark = pytest.mark.django_db


def numbers() -> dict[str, int]:
    """Return the numbers of today that are no zero, after a sweep."""
    filtered.sweep()
    today = timezone.now().date()
    return {
        reason.value: number
        for reason, number in filtered.by_reason(today, today).items()
        if number
    }


def server() -> Any:
    return Redis.from_url(f"unix://{events_server.socket}")


def key() -> str:
    return f"share-filtered:{timezone.now().date()}"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"user-agent": "Googlebot/2.1"}, "robot"),
        ({"user-agent": ""}, "robot"),
        ({"sec-purpose": "prefetch"}, "prefetch"),
        ({"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, "embedded"),
    ],
)
def test_who_is_no_reader_is_counted_apart(
    headers: dict[str, str], reason: str, shared: Shared
) -> None:
    client = new_reader(**headers)
    client.get(f"/share/{shared.code}/bluesky/")
    client.get(f"/s/{shared.code}bs/")
    assert numbers() == {reason: 2}


def test_heads_editors_and_repeats_are_counted_apart(
    shared: Shared, reader: Client, editor: Client
) -> None:
    reader.head(f"/share/{shared.code}/bluesky/")
    editor.get(f"/share/{shared.code}/bluesky/")
    for _ in range(3):
        reader.get(f"/share/{shared.code}/bluesky/")
    assert numbers() == {"method": 1, "editor": 1, "repeat": 2}


@pytest.mark.parametrize("header", ["sec-gpc", "dnt"])
def test_an_objection_is_in_no_number(header: str, shared: Shared) -> None:
    for agent in ("Firefox/140.0", "Googlebot/2.1"):
        client = new_reader(**{header: "1", "user-agent": agent})
        for method in (client.get, client.head):
            assert method(f"/share/{shared.code}/bluesky/").status_code == 303
        assert client.post("/api/v1/share-events/", "{", content_type="text/x").status_code >= 400
    assert numbers() == {}
    assert server().keys("share-filtered*") == []


def test_a_number_has_a_day_and_a_reason_and_nothing_else(shared: Shared) -> None:
    new_reader(**{"user-agent": "Googlebot/2.1"}).get(f"/share/{shared.code}/bluesky/")
    assert set(server().hgetall(key())) == {b"epoch", b"robot"}
    ends = server().ttl(key())
    assert 7 * 86400 <= ends <= 8 * 86400
    names = {field.name for field in UncountedShare._meta.concrete_fields}
    assert names == {"id", "day", "reason", "source", "count"}


def test_a_sweep_that_comes_twice_doubles_nothing(shared: Shared, reader: Client) -> None:
    for _ in range(4):
        reader.get(f"/share/{shared.code}/bluesky/")
    assert [filtered.sweep(), filtered.sweep()] == [1, 0]
    assert numbers() == {"repeat": 3}
    reader.get(f"/share/{shared.code}/bluesky/")
    assert numbers() == {"repeat": 4}
    assert UncountedShare.objects.count() == 1


def test_a_server_that_lost_everything_begins_anew_and_nothing_is_forgotten(
    shared: Shared, reader: Client
) -> None:
    for _ in range(2):
        for _ in range(3):
            reader.get(f"/share/{shared.code}/bluesky/")
        before = numbers()
        server().flushall()
    assert before == numbers() == {"repeat": 5}


def test_a_server_that_lost_its_last_second_takes_nothing_away(
    shared: Shared, reader: Client
) -> None:
    for _ in range(5):
        reader.get(f"/share/{shared.code}/bluesky/")
    assert numbers() == {"repeat": 4}
    server().hset(key(), "repeat", 2)
    assert numbers() == {"repeat": 4}


def test_a_number_without_a_name_waits_for_one(shared: Shared, reader: Client) -> None:
    server().hset(key(), "repeat", 7)
    assert numbers() == {}
    for _ in range(2):
        reader.get(f"/share/{shared.code}/bluesky/")
    assert numbers() == {"repeat": 8}


def test_days_before_today_are_written_too_while_the_server_has_them() -> None:
    today = timezone.now().date()
    for ago in (1, 7):
        server().hset(
            f"share-filtered:{today - timedelta(days=ago)}",
            mapping={"epoch": uuid4().hex, "robot": ago},
        )
    filtered.sweep()
    assert filtered.by_day(today - timedelta(days=7), today) == {
        today - timedelta(days=7): {Reason.ROBOT: 7},
        today - timedelta(days=1): {Reason.ROBOT: 1},
    }
    assert filtered.by_reason(today - timedelta(days=3), today)[Reason.ROBOT] == 1
    assert set(filtered.by_reason(today, today).values()) == {0}


def test_a_sweep_and_a_question_cost_few_queries(
    shared: Shared, reader: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    today = timezone.now().date()
    fields = dict.fromkeys(Reason.values, 3) | {"epoch": "a", "unheard_of": 1}
    for ago in range(8):
        server().hset(f"share-filtered:{today - timedelta(days=ago)}", mapping=fields)
    assert filtered.sweep() == 8 * len(Reason)
    with django_assert_num_queries(1):
        assert filtered.sweep() == 0
    with django_assert_num_queries(1):
        assert set(filtered.by_reason(today - timedelta(days=1), today).values()) == {6}


def test_with_the_events_server_frozen_a_robot_is_served_and_nothing_breaks(
    shared: Shared, frozen_events: None
) -> None:
    client = new_reader(**{"user-agent": "Googlebot/2.1"})
    assert client.get(f"/share/{shared.code}/bluesky/").status_code == 303


def test_with_the_events_server_dead_a_sweep_waits_for_the_next(shared: Shared) -> None:
    events_server.kill()
    assert filtered.sweep() == 0


def test_nothing_filtered_is_a_count(shared: Shared, readers: Callable[[], Client]) -> None:
    reader = readers()
    reader.head(f"/share/{shared.code}/bluesky/")
    filtered.sweep()
    assert not ShareCount.objects.exists()
