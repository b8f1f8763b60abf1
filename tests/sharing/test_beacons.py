"""Beacons: a share that was handed over, sent by our own page, perhaps twice, perhaps by an enemy."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone
from redis import Redis

from sharing import actions, filtered, remembered
from sharing.api import ShareEvents
from sharing.models import ShareCount, ShareEvent
from tests.conftest import READER, new_reader
from tests.services import events_server
from tests.sharing.conftest import Shared

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

URL = "/api/v1/share-events/"


def beacon(shared: Shared, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "code": shared.code,
        "channel": "share-sheet",
        "class": "handed_over",
    } | fields


def send(client: Client, data: Any, **kwargs: Any) -> Any:
    body = data if isinstance(data, str | bytes) else json.dumps(data)
    return client.post(URL, body, content_type="application/json", **kwargs)


def counted() -> int:
    actions.drain()
    return sum(ShareCount.objects.values_list("count", flat=True))


def test_a_beacon_is_taken_and_counted(shared: Shared, reader: Client) -> None:
    answer = send(reader, beacon(shared))
    assert answer.status_code == 202
    assert not answer.cookies
    assert counted() == 1
    assert ShareCount.objects.get().share_class == "handed_over"


def test_the_same_beacon_ten_times_is_taken_and_counted_once(
    shared: Shared, reader: Client
) -> None:
    data = beacon(shared)
    assert {send(reader, data).status_code for _ in range(10)} == {202}
    assert counted() == 1


def test_the_same_beacon_from_elsewhere_is_counted_once(shared: Shared) -> None:
    data = beacon(shared)
    assert {send(new_reader(), data).status_code for _ in range(3)} == {202}
    assert counted() == 1


def test_the_same_beacon_after_a_sweep_is_counted_once(shared: Shared, reader: Client) -> None:
    data = beacon(shared)
    send(reader, data)
    assert counted() == 1
    send(new_reader(), data)
    assert counted() == 1


def test_a_beacon_whose_acceptance_failed_may_be_sent_again(
    shared: Shared, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = beacon(shared)
    reader.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr("sharing.actions.accept", _fail)
        assert send(reader, data).status_code == 500
    assert send(reader, data).status_code == 202
    assert counted() == 1


def _fail(**kwargs: object) -> None:
    raise RuntimeError("neither Valkey nor the database")


@pytest.mark.parametrize(
    "change",
    [
        {"event_id": "1"}, {"event_id": 1}, {"event_id": True}, {"event_id": None}, {"event_id": ["x"]}, {"channel": "myspace"},
        {"channel": {}}, {"class": "intent"}, {"class": "arrival"}, {"class": "total"},
        {"code": ""}, {"code": "x" * 41}, {"code": None}, {"code": "\x00"}, {"code": {"a": 1}},
    ],
    ids=str,
)  # fmt: skip
def test_a_malformed_beacon_is_refused_as_a_problem(
    change: dict[str, Any], shared: Shared, reader: Client
) -> None:
    answer = send(reader, beacon(shared, **change))
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()["errors"]) == set(change)
    assert counted() == 0


@pytest.mark.parametrize("missing", ["event_id", "code", "channel", "class"])
def test_a_beacon_without_a_field_is_refused(missing: str, shared: Shared, reader: Client) -> None:
    data = beacon(shared)
    del data[missing]
    assert send(reader, data).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        "\x00",
        '{"channel": "\\ud800"}',
        '{"\\udfff": 1}',
        "[" * 4000,
        b"\xff\xfe",
        '{"event_id": NaN}',
        '{"event_id": -Infinity}',
        f'{{"event_id": {"9" * 4000}}}',
        '{"event_id": 1e999}',
        '{"a": ' * 600,
        '{"code": 1, "code": 2}',
        "\ufeff{}",
        '{"code": "x"} {}',
    ],
)
def test_a_body_that_is_no_beacon_is_refused(body: Any, shared: Shared, reader: Client) -> None:
    assert send(reader, body).status_code in {400, 411}
    assert counted() == 0


@pytest.mark.parametrize(
    "field", ["count", "total", "target", "target_id", "id", "recorded_at", "accepted_at", "day"]
)
def test_a_field_that_is_not_known_is_refused_by_its_name(
    field: str, shared: Shared, reader: Client
) -> None:
    answer = send(reader, beacon(shared, **{field: 1000}))
    assert answer.status_code == 400
    assert answer.json()["errors"] == {field: ["Unknown field."]}
    assert counted() == 0
    assert why() == {"malformed": 1}


def test_many_unknown_fields_and_faults_are_told_together(shared: Shared, reader: Client) -> None:
    fields = {f"field-{number:03}-{'x' * 50}": 1 for number in range(40)}
    answer = send(reader, beacon(shared, channel="myspace", **fields))
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert len(errors) == 11
    assert max(map(len, errors)) == 40


def test_a_field_that_stands_twice_is_refused(shared: Shared, reader: Client) -> None:
    body = json.dumps(beacon(shared))
    twice = body.replace("{", f'{{"code": "{shared.sections["why"]}", ', 1)
    answer = send(reader, twice)
    assert answer.status_code == 400
    assert "twice" in answer.json()["detail"]
    assert counted() == 0


def test_a_thousand_beacons_of_one_visitor_are_one(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Past the middleware, and remembered as outside a test's transaction: ten seconds less.
    found = remembered.by_code(shared.code)
    monkeypatch.setattr("sharing.remembered.by_code", lambda code: found)
    view, ask = ShareEvents.as_view(), RequestFactory(headers={"user-agent": READER})
    statuses = {
        view(ask.post(URL, beacon(shared), content_type="application/json")).status_code
        for _ in range(1000)
    }
    assert statuses == {202}
    assert counted() == 1
    assert why() == {"repeat": 999}


# Late ones


def test_a_late_beacon_is_counted_on_its_own_day(shared: Shared, reader: Client) -> None:
    for days in (1, 3, 6.99):
        moment = ago(days=days)
        assert send(reader, beacon(shared, occurred_at=moment.isoformat())).status_code == 202
        counted()
        assert ShareCount.objects.get(day=moment.date()).count == 1
    assert counted() == 3
    assert ShareEvent.objects.count() == 3


def test_late_beacons_out_of_order_are_each_counted_on_their_days(
    shared: Shared, readers: Any
) -> None:
    for days in (2, 5, 1, 4, 2):
        send(readers(), beacon(shared, occurred_at=ago(days=days).isoformat()))
    assert counted() == 5
    assert ShareCount.objects.get(day=ago(days=2).date()).count == 2


def test_a_day_begins_at_midnight_utc_whatever_zone_the_sender_has(
    shared: Shared, reader: Client
) -> None:
    day = ago(days=2).date()
    send(reader, beacon(shared, occurred_at=f"{day}T00:30:00+02:00"))
    counted()
    assert ShareCount.objects.get().day == day - timedelta(days=1)


def test_a_late_beacon_is_a_repeat_only_of_its_own_day(shared: Shared, reader: Client) -> None:
    for days in (0, 1, 1, 2, 0):
        send(reader, beacon(shared, occurred_at=ago(days=days).isoformat()))
    assert counted() == 3
    assert why() == {"repeat": 2}


@pytest.mark.parametrize("days", [7.01, 8, 400])
def test_a_beacon_that_is_too_late_is_told_what_is_taken(
    days: float, shared: Shared, reader: Client
) -> None:
    answer = send(reader, beacon(shared, occurred_at=ago(days=days).isoformat()))
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    [[words]] = answer.json()["errors"].values()
    assert "up to 7 days" in words
    assert f"{ago(days=7):%Y-%m-%dT}" in words
    assert counted() == 0
    assert why() == {"too_late": 1}


def test_where_late_ones_are_taken_for_longer_now_what_is_forgotten_is_refused(
    shared: Shared, readers: Any, settings: Any
) -> None:
    counted()
    actions.prune_events()
    settings.SHARE_EVENT_RETENTION = timedelta(days=14)
    answer = send(readers(), beacon(shared, occurred_at=ago(days=9).isoformat()))
    assert answer.status_code == 400
    assert f"{ago(days=7, hours=1):%Y-%m-%dT%H}" in answer.json()["errors"]["occurred_at"][0]
    assert why() == {"too_late": 1}
    assert send(readers(), beacon(shared, occurred_at=ago(days=7).isoformat())).status_code == 202
    assert counted() == 1, "what is taken is counted"


def test_a_beacon_from_the_future_is_refused_and_a_clock_that_is_ahead_is_forgiven(
    shared: Shared, readers: Any
) -> None:
    answer = send(readers(), beacon(shared, occurred_at=ago(minutes=-6).isoformat()))
    assert answer.status_code == 400
    assert "future" in answer.json()["errors"]["occurred_at"][0]
    assert why() == {"too_early": 1}
    send(readers(), beacon(shared, occurred_at=ago(minutes=-4).isoformat()))
    assert counted() == 1
    assert ShareEvent.objects.get().occurred_at <= timezone.now(), "no day to come has counts"


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-26T09:30:00", "2026-11-26", "yesterday", "", None, 0, 1e300, True, [], {}, "\x00",
        "2026-11-31T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
        "-1-01-01T00:00:00Z", "2026-11-26T09:30:00+99:99", "9" * 3000,
    ],
    ids=lambda moment: repr(moment)[:30],
)  # fmt: skip
def test_what_is_no_moment_with_a_zone_is_refused(
    moment: Any, shared: Shared, reader: Client
) -> None:
    answer = send(reader, beacon(shared, occurred_at=moment))
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"occurred_at"}
    assert counted() == 0


def test_the_same_late_beacon_after_days_is_counted_once(
    shared: Shared, readers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = beacon(shared, occurred_at=ago(minutes=1).isoformat())
    send(readers(), data)
    assert counted() == 1
    # On the last day on which it is taken; and the sweep that counts it comes after the pruning.
    later = timezone.now() + timedelta(days=6, hours=23)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert send(readers(), data).status_code == 202
    later += timedelta(days=2)
    assert actions.prune_events() == 0
    assert counted() == 1
    assert actions.prune_events() == 1
    assert send(readers(), data).status_code == 400, "no copy of what is forgotten is taken"


def test_no_id_is_forgotten_while_nobody_knows_what_is_counted(
    shared: Shared, reader: Client
) -> None:
    send(reader, beacon(shared))
    counted()
    ShareEvent.objects.update(recorded_at=ago(days=30))
    events_server.kill()
    assert actions.prune_events() == 0
    events_server.start()
    Redis.from_url(f"unix://{events_server.socket}").flushall()
    assert actions.prune_events() == 0
    actions.drain()
    assert actions.prune_events() == 1


# What is refused is counted by its reason


def test_what_is_refused_is_counted_by_its_reason(shared: Shared, reader: Client) -> None:
    data = beacon(shared)
    send(reader, data, headers={"origin": "https://evil.example"})
    send(reader, data, CONTENT_LENGTH="")
    send(reader, beacon(shared, padding="x" * 5000))
    send(reader, beacon(shared, code="nonesuch"))
    send(reader, "{")
    reader.post(URL, "x", content_type="text/plain")
    send(new_reader(**{"user-agent": "Googlebot/2.1"}), data)
    reader.get(URL)
    assert why() == {"foreign": 1, "malformed": 3, "too_large": 1, "unknown": 1, "robot": 1}


@pytest.mark.parametrize("header", ["sec-gpc", "dnt"])
def test_who_objects_is_in_no_number_whatever_is_sent(header: str, shared: Shared) -> None:
    client = new_reader(**{header: "1"})
    assert send(client, beacon(shared)).status_code == 202
    assert send(client, "{").status_code == 400
    assert send(client, beacon(shared, occurred_at=ago(days=9).isoformat())).status_code == 400
    assert counted() == 0
    assert why() == {}


def ago(**kwargs: float) -> datetime:
    return timezone.now() - timedelta(**kwargs)


def why() -> dict[str, int]:
    """Return how many were not counted today, by reason, zeros left out."""
    filtered.sweep()
    today = timezone.now().date()
    found = filtered.by_reason(today, today)
    return {reason.value: number for reason, number in found.items() if number}


def test_a_huge_beacon_is_refused_unread(shared: Shared, reader: Client) -> None:
    answer = send(reader, beacon(shared, padding="x" * 1_000_000))
    assert answer.status_code == 413
    assert counted() == 0


def test_a_beacon_that_lies_about_its_length_is_refused(shared: Shared, reader: Client) -> None:
    for length in ("-1", "x", "1e3", "9" * 40):
        assert send(reader, beacon(shared), CONTENT_LENGTH=length).status_code in {400, 413}
    assert counted() == 0


def test_a_beacon_without_a_length_is_asked_for_one(shared: Shared, reader: Client) -> None:
    # What granian makes of a chunked body.
    answer = send(reader, beacon(shared), CONTENT_LENGTH="")
    assert answer.status_code == 411
    assert counted() == 0


def test_a_beacon_of_another_kind_is_refused(shared: Shared, reader: Client) -> None:
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ):
        answer = reader.post(URL, json.dumps(beacon(shared)), content_type=content_type)
        assert answer.status_code == 415


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8000.evil.example"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_another_sites_page_cannot_send_one(
    headers: dict[str, str], shared: Shared, reader: Client
) -> None:
    assert send(reader, beacon(shared), headers=headers).status_code == 403
    assert counted() == 0


def test_our_own_page_can_send_one(shared: Shared, reader: Client) -> None:
    headers = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert send(reader, beacon(shared), headers=headers).status_code == 202
    assert counted() == 1


def test_unknown_draft_and_deleted_codes_are_not_found(shared: Shared, reader: Client) -> None:
    assert send(reader, beacon(shared, code="nonesuch")).status_code == 404
    shared.article.unpublish()
    assert send(reader, beacon(shared)).status_code == 404
    shared.article.delete()
    assert send(reader, beacon(shared)).status_code == 404
    assert counted() == 0


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_other_methods_are_refused_with_allow(method: str, shared: Shared, reader: Client) -> None:
    answer = getattr(reader, method)(URL)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
