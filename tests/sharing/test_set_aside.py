"""What could not be counted is listed with the reason, and goes back only where it cannot count twice."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from sharing import actions, set_aside, stream, valkey
from sharing.models import ShareCount, ShareTarget
from tests.services import events_server

pytestmark = pytest.mark.django_db

ID = "6f0d4b0c2f5e4d7f9f0a5b1c2d3e4f50"


@pytest.fixture
def target(db: None) -> ShareTarget:
    return ShareTarget.objects.create(page_id=1, label="Sleep")


def server() -> Any:
    return Redis.from_url(f"unix://{events_server.socket}")


def add(target_id: object, **fields: object) -> None:
    entry: dict[Any, Any] = {
        "id": ID,
        "target": target_id,
        "channel": "x",
        "class": "intent",
        "at": timezone.now().timestamp(),
    } | fields
    server().xadd(stream.UNREADABLE, {key: value for key, value in entry.items() if value != ""})


def listed() -> list[set_aside.SetAside]:
    return list(set_aside.entries(valkey.events_for_jobs()))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"id": "nonsense"}, "“id” is 'nonsense'"),
        ({"id": ""}, "no “id”"),
        ({"class": "applause"}, "“class” is 'applause'"),
        ({"at": "1e99"}, "“at” is '1e99'"),
        ({"at": "nan"}, "“at” is 'nan'"),
        ({"channel": b"\xff\xfe"}, "“channel” is '��'"),
        ({"target": "7\n\x1b[2J"}, "“target” is '7��[2J'"),
        ({"target": "999999"}, "there is no target 999999"),
        ({"target": "9" * 30}, f"“target” is '{'9' * 30}'"),
        ({"target": str(2**63)}, f"“target” is '{2**63}'"),
        ({"target": "-1"}, "“target” is '-1'"),
        ({"channel": "a\0b"}, "“channel” is 'a�b'"),
    ],
    ids=str,
)
def test_each_entry_is_listed_with_what_is_wrong_with_it(
    fields: dict[str, object], why: str, target: ShareTarget
) -> None:
    add(**({"target_id": target.pk} | fields))
    [entry] = listed()
    assert entry.why == why
    assert not entry.is_safe
    assert set_aside.requeue(valkey.events_for_jobs()) == (0, 1)
    assert server().xlen(stream.UNREADABLE) == 1


@pytest.mark.parametrize(
    "fields",
    [{"id": "nonsense"}, {"id": ""}, {"class": "applause"}, {"at": "1e99"}, {"at": "nan"},
     {"channel": b"\xff\xfe"}, {"target": "7\n\x1b[2J"}, {"target": "999999"}],
    ids=repr,
)  # fmt: skip
def test_a_sweep_sets_aside_what_is_listed_as_wrong(
    fields: dict[str, object], target: ShareTarget
) -> None:
    add(**({"target_id": target.pk} | fields))
    [(_, raw)] = server().xrange(stream.UNREADABLE)
    server().delete(stream.UNREADABLE)
    server().xadd(stream.STREAM, raw)
    assert actions.drain() == 0
    assert server().xlen(stream.STREAM) == 0
    [entry] = listed()
    assert entry.why


def test_all_pages_of_entries_are_read(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_aside, "_READ_AT_ONCE", 2)
    for number in range(5):
        add(target.pk, channel=f"c{number}")
    assert [entry.fields["channel"] for entry in listed()] == ["c0", "c1", "c2", "c3", "c4"]


def test_an_entry_whose_target_came_back_goes_back_and_counts_once(target: ShareTarget) -> None:
    missing = target.pk + 1
    add(missing)
    # Set aside twice, as by a sweep that was killed before it trimmed the stream.
    add(missing)
    assert set_aside.requeue(valkey.events_for_jobs()) == (0, 2)
    ShareTarget.objects.create(pk=missing, page_id=2, label="Rest")
    assert set_aside.requeue(valkey.events_for_jobs()) == (2, 0)
    assert server().xlen(stream.UNREADABLE) == 0
    assert actions.drain() == 1
    assert ShareCount.objects.get().target_id == missing


def test_what_the_drain_sets_aside_can_come_back(target: ShareTarget) -> None:
    add(target.pk + 1)
    [(_, fields)] = server().xrange(stream.UNREADABLE)
    server().delete(stream.UNREADABLE)
    server().xadd(stream.STREAM, fields)
    assert actions.drain() == 0
    ShareTarget.objects.create(pk=target.pk + 1, page_id=2, label="Rest")
    assert set_aside.requeue(valkey.events_for_jobs()) == (1, 0)
    assert actions.drain() == 1


def test_an_entry_older_than_ids_are_kept_stays(target: ShareTarget) -> None:
    add(target.pk, at=(timezone.now() - timedelta(days=7, seconds=1)).timestamp())
    [entry] = listed()
    assert entry.why == "7 days or older: nobody can tell whether it was counted"
    assert set_aside.requeue(valkey.events_for_jobs()) == (0, 1)
    assert actions.drain() == 0


def test_an_entry_whose_id_was_forgotten_stays_though_ids_are_kept_for_longer_now(
    target: ShareTarget, settings: Any
) -> None:
    actions.drain()
    actions.prune_events()
    settings.SHARE_EVENT_RETENTION = timedelta(days=30)
    add(target.pk, at=(timezone.now() - timedelta(days=9)).timestamp())
    assert set_aside.requeue(valkey.events_for_jobs()) == (0, 1)


def test_an_entry_that_someone_else_put_back_meanwhile_goes_once(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(target.pk)
    seen = listed()
    assert set_aside.requeue(valkey.events_for_jobs()) == (1, 0)
    monkeypatch.setattr(set_aside, "entries", lambda server: iter(seen))
    assert set_aside.requeue(valkey.events_for_jobs()) == (0, 0)
    assert server().xlen(stream.STREAM) == 1


def test_with_the_server_silent_it_is_said(target: ShareTarget) -> None:
    events_server.kill()
    with pytest.raises(valkey.Silent):
        listed()
