"""Probes tell each part's state, and readers read while a part is silent."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from articles.models import HomePage
from healthsite import health
from sharing import actions, stream, valkey
from tests.factories import add_article
from tests.services import cache_server, events_server

pytestmark = pytest.mark.django_db

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
        dict.fromkeys(("database", "events", "cache", "jobs", "chores"), "ok"),
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
        {"database": "ok", "events": "silent", "cache": "ok", "jobs": "unknown", "chores": "ok"},
    )
    assert reader.get("/healthz").status_code == 200


def test_with_the_cache_server_killed_readers_read(home: HomePage, reader: Client) -> None:
    actions.drain()
    add_article(home)
    cache_server.kill()
    assert_readers_read(reader)
    assert parts(reader) == (
        "degraded",
        {"database": "ok", "events": "ok", "cache": "silent", "jobs": "ok", "chores": "ok"},
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
