"""Monitoring reads numbers that are true at that moment; nobody else learns that there are any."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from articles.models import HomePage
from healthsite import checks
from healthsite.delivery import addresses
from sharing import actions, pipeline, stream, valkey
from sharing.models import (
    HeldCount,
    InboxEvent,
    ShareBurst,
    ShareClass,
    ShareTarget,
    UncountedShare,
)
from sharing.stream import Event
from tests.conftest import new_reader
from tests.services import ON_POSTGRES, cache_server
from tests.sharing.counting import ago

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

TOKEN = "a token of the tests, öffentlich nie"


@pytest.fixture(autouse=True)
def _token(settings: Any, home: HomePage) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def target(db: None) -> ShareTarget:
    return ShareTarget.objects.create(page_id=1, label="Sleep")


def bearer(token: str = TOKEN, scheme: str = "Bearer") -> dict[str, Any]:
    """Return a header as a client sends it, in UTF-8."""
    return {"HTTP_AUTHORIZATION": f"{scheme} {token}".encode().decode("latin-1")}


def scraped() -> dict[str, float]:
    """Return what a scrape reads, by name and labels; each family has a text and a type."""
    answer = new_reader().get("/metrics", **bearer())
    assert answer.status_code == 200
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        assert family.documentation
        assert family.type in {"gauge", "counter"}
        for sample in family.samples:
            key = "".join(f"{{{value}}}" for value in sample.labels.values())
            assert f"{sample.name}{key}" not in found
            found[f"{sample.name}{key}"] = sample.value
    return found


def accept(target: ShareTarget, share_class: ShareClass = ShareClass.INTENT) -> None:
    actions.accept(
        event=Event(
            event_id=uuid4(),
            target_id=target.pk,
            channel="x",
            share_class=share_class,
            occurred_at=timezone.now(),
        )
    )


def test_a_scrape_reads_what_is_the_case(target: ShareTarget) -> None:
    for share_class in (ShareClass.INTENT, ShareClass.INTENT, ShareClass.ARRIVAL):
        accept(target, share_class)
    actions.drain()
    accept(target)
    InboxEvent.objects.create(
        event_id=uuid4(), target=target, channel="x", share_class="intent",
        occurred_at=timezone.now() - timedelta(minutes=5), accepted_at=timezone.now() - timedelta(minutes=4),
    )  # fmt: skip
    valkey.events().ask(lambda client: client.xadd(stream.UNREADABLE, {"nonsense": "1"}))
    burst = ShareBurst.objects.create(target=target, hour=timezone.now(), limit=10)
    HeldCount.objects.create(burst=burst, channel="x", share_class="intent", day=ago(0), count=40)
    ShareBurst.objects.create(
        target=target, hour=timezone.now() - timedelta(hours=2), limit=10, state="dropped"
    )
    for days, count in ((0, 3), (40, 4)):
        UncountedShare.objects.create(day=ago(days), reason="robot", source="a", count=count)
    pipeline.note_verified(valkey.events(), pipeline.Verified(timezone.now(), 2))
    found = scraped()
    expected = {
        "healthsite_up{events}": 1,
        "healthsite_up{cache}": 1,
        "healthsite_up{database}": 1,
        "healthsite_share_stream_entries": 1,
        "healthsite_share_set_aside_entries": 1,
        "healthsite_share_inbox_events": 1,
        "healthsite_share_stream_added_total": 4,
        "healthsite_share_events_counted_total{intent}": 2,
        "healthsite_share_events_counted_total{handed_over}": 0,
        "healthsite_share_events_counted_total{arrival}": 1,
        "healthsite_share_filtered_total{robot}": 7,
        "healthsite_share_floods_held": 1,
        "healthsite_share_held_events": 40,
        "healthsite_share_sums_differing": 2,
        "healthsite_chores_waiting": 0,
        "healthsite_chores_failed": 0,
        "healthsite_mail_waiting": 0,
    }
    assert {name: found[name] for name in expected} == expected
    assert 240 <= found["healthsite_share_oldest_unread_seconds"] < 300
    assert found["healthsite_share_last_sweep_age_seconds"] >= 0


def test_a_refusal_is_no_filtered_request(target: ShareTarget) -> None:
    reason = min(pipeline.REFUSALS)
    UncountedShare.objects.create(day=ago(0), reason=reason, source="a", count=2)
    found = scraped()
    assert found[f"healthsite_share_refused_total{{{reason}}}"] == 2
    assert not [name for name in found if name.startswith("healthsite_share_filtered")]


def test_every_process_answers_the_same(target: ShareTarget) -> None:
    accept(target)
    actions.drain()
    for _ in range(2):
        assert scraped()["healthsite_share_events_counted_total{intent}"] == 1


def test_a_scrape_costs_a_fixed_number_of_queries(target: ShareTarget) -> None:
    def number() -> int:
        with CaptureQueriesContext(connection) as queries:
            scraped()
        return len(queries)

    before = number()
    for _ in range(30):
        accept(target)
    actions.drain()
    for day in range(30):
        UncountedShare.objects.create(day=ago(day), reason="robot", source="a", count=1)
    # PostgreSQL is asked for its clock, too: that of chores.
    assert number() == before == (10 if ON_POSTGRES else 9)


def test_with_the_events_server_silent_the_others_are_read(frozen_events: None) -> None:
    found = scraped()
    assert found["healthsite_up{events}"] == 0
    assert found["healthsite_up{database}"] == 1
    assert "healthsite_share_stream_entries" not in found
    assert found["healthsite_share_inbox_events"] == 0


def test_with_the_cache_killed_it_is_not_up() -> None:
    cache_server.kill()
    assert scraped()["healthsite_up{cache}"] == 0


def test_without_a_database_the_servers_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*args: object, **kwargs: object) -> None:
        raise OperationalError("lost")

    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", lost)
    found = scraped()
    assert found["healthsite_up{database}"] == 0
    assert found["healthsite_up{events}"] == 1
    assert found["healthsite_share_stream_entries"] == 0
    assert "healthsite_share_inbox_events" not in found


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("another token of the same length, ok"),
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        bearer(""),
        bearer(scheme="Basic"),
        bearer(scheme="Token"),
        {"HTTP_AUTHORIZATION": ""},
        {"HTTP_AUTHORIZATION": TOKEN.encode().decode("latin-1")},
        {"HTTP_AUTHORIZATION": "Bearer \u0100"},
        {"QUERY_STRING": "token=a"},
    ],
    ids=repr,
)
def test_without_the_token_there_is_nothing_here(headers: dict[str, Any], reader: Client) -> None:
    answer = reader.get("/metrics", **headers)
    assert answer.status_code == 404
    assert b"healthsite_" not in answer.content
    assert not answer.cookies
    assert not Session.objects.exists()


@pytest.mark.parametrize("token", ["", TOKEN])
def test_an_administrator_reads_them_with_or_without_a_token(
    token: str, administrator: Client, superuser: Client, settings: Any
) -> None:
    settings.METRICS_TOKEN = token
    for client in (administrator, superuser):
        assert client.get("/metrics").status_code == 200


def test_no_other_role_reads_them(editor: Client, publisher: Client) -> None:
    for client in (editor, publisher):
        assert client.get("/metrics").status_code == 404


def test_without_a_token_set_no_bearer_reads_them(reader: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    for token in ("", " ", "None", TOKEN):
        assert reader.get("/metrics", **bearer(token)).status_code == 404


def test_a_made_up_session_is_nobody(reader: Client) -> None:
    reader.cookies["sessionid"] = "x" * 32
    assert reader.get("/metrics").status_code == 404


def test_an_answer_is_kept_nowhere(reader: Client) -> None:
    answer = reader.get("/metrics", **bearer())
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert not answer.cookies
    assert not addresses.may_be_kept("/metrics")


def test_it_is_only_read(reader: Client) -> None:
    assert reader.head("/metrics", **bearer()).status_code == 200
    assert reader.post("/metrics", **bearer()).status_code == 405


@pytest.mark.parametrize(
    ("token", "is_refused"),
    [("", False), ("short", True), ("a" * 40, True), ("abcde" * 4, False), (TOKEN, False)],
)
def test_a_token_that_can_be_guessed_stops_the_start(
    token: str, is_refused: bool, settings: Any
) -> None:
    settings.METRICS_TOKEN = token
    found = checks.metrics_token_is_secret()
    assert [message.id for message in found] == (["healthsite.E010"] if is_refused else [])
    assert not token or all(token not in message.msg for message in found)
