"""Probes tell each part's state, and readers read while a part is silent."""

import json
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import HomePage
from healthsite import health
from healthsite.supervisor.probes import Probes
from sharing import actions, pipeline, stream, valkey
from sharing.models import InboxEvent, ShareTarget
from tests.factories import add_article
from tests.services import ON_POSTGRES, cache_server, events_server

pytestmark = pytest.mark.django_db

PARTS = ("database", "events", "cache", "jobs", "chores", "share_pipeline", "posting")
PAGES = ("/", "/sleep/", "/sleep/why/", "/privacy/", "/api/v1/articles/", "/api/v1/articles/sleep/")


def parts(client: Client, status: int = 200) -> tuple[str, dict[str, str]]:
    """Return the state of the site and of each part."""
    answer = client.get("/readyz")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert "no-store" in answer.headers["Cache-Control"]
    told: dict[str, Any] = answer.json()
    assert set(told) == {"status", "parts"}
    return told["status"], {name: part["state"] for name, part in told["parts"].items()}


def assert_readers_read(client: Client) -> None:
    for path in PAGES:
        assert client.get(path).status_code == 200, path


def test_alive_is_alive(reader: Client, db: None) -> None:
    answer = reader.get("/healthz")
    assert answer.status_code == 200
    assert answer.content == b"ok\n"


def test_with_everything_at_work_all_is_ok(home: HomePage, reader: Client) -> None:
    actions.drain()
    assert parts(reader) == (
        "ok",
        dict.fromkeys(PARTS, "ok"),
    )


def test_before_the_first_sweep_jobs_are_waited_for(home: HomePage, reader: Client) -> None:
    status, states = parts(reader)
    assert status == "degraded"
    assert states["jobs"] == "waiting"


def test_a_late_sweep_tells_that_no_worker_runs(home: HomePage, reader: Client) -> None:
    late = timezone.now() - timedelta(seconds=health.LATE_SWEEP + 5)
    stream.note_sweep(valkey.events_for_jobs(), late)
    status, states = parts(reader)
    assert status == "degraded"
    assert states["jobs"] == "late"


def test_with_the_events_server_killed_readers_read(home: HomePage, reader: Client) -> None:
    add_article(home)
    events_server.kill()
    assert_readers_read(reader)
    assert parts(reader) == (
        "degraded",
        dict.fromkeys(PARTS, "ok")
        | {"events": "silent", "jobs": "unknown", "share_pipeline": "unknown"},
    )
    assert reader.get("/healthz").status_code == 200


def test_with_the_cache_server_killed_readers_read(home: HomePage, reader: Client) -> None:
    actions.drain()
    add_article(home)
    cache_server.kill()
    assert_readers_read(reader)
    assert parts(reader) == (
        "degraded",
        dict.fromkeys(PARTS, "ok") | {"cache": "silent"},
    )


def test_with_both_frozen_readers_read_and_do_not_wait_for_each_page(
    home: HomePage, reader: Client, frozen_events: None, frozen_cache: None
) -> None:
    add_article(home)
    began = time.monotonic()
    assert_readers_read(reader)
    # Django's own cache would wait five seconds a call.
    assert time.monotonic() - began < 10
    status, states = parts(reader)
    assert status == "degraded"
    assert states["events"] == states["cache"] == "silent"


def test_an_edit_is_published_while_both_are_frozen(
    home: HomePage, reader: Client, frozen_events: None, frozen_cache: None
) -> None:
    article = add_article(home)
    article.title = "Slumber"
    article.save_revision().publish()
    assert "<h1>Slumber</h1>" in reader.get("/sleep/").content.decode()


def test_without_a_database_the_site_is_down_and_says_which_part(
    home: HomePage, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost() -> None:
        raise OperationalError("the server closed the connection: password=secret")

    monkeypatch.setattr("healthsite.health._database", lost)
    actions.drain()
    answer = reader.get("/readyz")
    assert b"secret" not in answer.content
    status, states = parts(reader, status=503)
    assert (status, states["database"]) == ("down", "down")
    assert reader.get("/healthz").status_code == 200, "the process itself is alive"


def test_probes_are_only_read(db: None, reader: Client) -> None:
    for path in ("/healthz", "/readyz"):
        assert reader.head(path).status_code == 200
        assert reader.post(path).status_code == 405


def pipeline_part(client: Client) -> dict[str, Any]:
    told: dict[str, Any] = client.get("/readyz").json()["parts"]["share_pipeline"]
    return told


def put_into_inbox(minutes: int) -> None:
    target, _ = ShareTarget.objects.get_or_create(page_id=1, label="Sleep")
    moment = timezone.now() - timedelta(minutes=minutes)
    InboxEvent.objects.create(
        event_id=uuid4(), target=target, channel="x", share_class="intent",
        occurred_at=moment, accepted_at=moment,
    )  # fmt: skip


def test_the_share_pipeline_tells_its_numbers(home: HomePage, reader: Client) -> None:
    actions.drain()
    put_into_inbox(minutes=0)
    told = pipeline_part(reader)
    assert (told["state"], told["stream"], told["inbox"]) == ("ok", 0, 1)
    assert told["oldest_unread_seconds"] >= 0
    assert told["lag_seconds"] >= 0


def test_a_share_that_waits_too_long_makes_it_late_in_the_stream_or_inbox(
    home: HomePage, reader: Client
) -> None:
    # Its id is the moment at which it came: long ago.
    valkey.events().ask(lambda client: client.xadd(stream.STREAM, {"x": "1"}, id="1700000000000-1"))
    assert pipeline_part(reader)["state"] == "late"
    actions.drain()
    told = pipeline_part(reader)
    assert (told["state"], told["set_aside"]) == ("ok", 1)
    put_into_inbox(minutes=5)
    assert pipeline_part(reader)["state"] == "late"


def test_with_the_stream_silent_its_numbers_are_unknown_but_the_inbox_is_told(
    home: HomePage, reader: Client, frozen_events: None
) -> None:
    put_into_inbox(minutes=0)
    told = pipeline_part(reader)
    assert told["state"] == "unknown"
    assert told["inbox"] == 1
    assert "stream" not in told
    put_into_inbox(minutes=5)
    assert pipeline_part(reader)["oldest_unread_seconds"] < 300, "the first row is the oldest"


def test_sums_that_differ_are_told(home: HomePage, reader: Client) -> None:
    actions.drain()
    pipeline.note_verified(valkey.events(), pipeline.Verified(timezone.now(), 3))
    told = pipeline_part(reader)
    assert (told["state"], told["sums_that_differ"]) == ("differs", 3)
    pipeline.note_verified(valkey.events(), pipeline.Verified(timezone.now(), 0))
    assert pipeline_part(reader)["state"] == "ok"


@pytest.mark.parametrize(
    ("changed", "is_ready"),
    [
        ({}, True),
        ({"share_pipeline": "late"}, True),
        ({"share_pipeline": "differs", "chores": "failed"}, True),
        ({"jobs": "late"}, False),
        ({"events": "silent"}, False),
        ({"database": "down"}, False),
    ],
    ids=repr,
)
def test_a_backlog_is_no_failed_start(
    changed: dict[str, str], is_ready: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = {
        name: {"state": state} for name, state in (dict.fromkeys(PARTS, "ok") | changed).items()
    }
    answer = (200, json.dumps({"status": "degraded", "parts": parts}).encode())
    monkeypatch.setattr(Probes, "_get", lambda *_: answer)
    assert Probes(0, "http://127.0.0.1:8000").is_ready() is is_ready


def test_a_probe_is_cheap(home: HomePage, reader: Client) -> None:
    put_into_inbox(minutes=0)
    with CaptureQueriesContext(connection) as queries:
        reader.get("/readyz")
    # PostgreSQL is asked for its clock, too: that of chores.
    assert len(queries) == (6 if ON_POSTGRES else 5)
    for _ in range(20):
        put_into_inbox(minutes=0)
    with CaptureQueriesContext(connection) as queries:
        reader.get("/readyz")
    assert len(queries) == (6 if ON_POSTGRES else 5)


def test_a_frozen_server_makes_a_probe_wait_for_it_once(
    home: HomePage, reader: Client, frozen_events: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    execute = redis.connection.ConnectionPool.get_connection

    def count(pool: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(pool)
        return execute(pool, *args, **kwargs)

    monkeypatch.setattr(redis.connection.ConnectionPool, "get_connection", count)
    reader.get("/readyz")
    to_events = [pool for pool in asked if pool is asked[0]]
    assert len(to_events) == 1
