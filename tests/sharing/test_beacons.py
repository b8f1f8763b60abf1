"""Beacons: a share that was handed over, sent by our own page, perhaps twice, perhaps by an enemy."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from sharing import actions
from sharing.models import ShareCount
from tests.conftest import new_reader
from tests.sharing.conftest import Shared

pytestmark = pytest.mark.django_db

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
        {"event_id": "1"}, {"event_id": None}, {"event_id": ["x"]}, {"channel": "myspace"},
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
    ],
)
def test_a_body_that_is_no_beacon_is_refused(body: Any, shared: Shared, reader: Client) -> None:
    assert send(reader, body).status_code in {400, 411}
    assert counted() == 0


def test_a_count_in_a_beacon_is_ignored(shared: Shared, reader: Client) -> None:
    assert send(reader, beacon(shared, count=1000, total=1000)).status_code == 202
    assert counted() == 1


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
