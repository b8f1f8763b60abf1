"""Accepted events are counted exactly once, whatever is silent, lost, restored or unreadable."""

import gc
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import DataError, IntegrityError, connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from sharing import actions, counting, parsing, stream, valkey
from sharing.models import (
    InboxEvent,
    ShareClass,
    ShareCount,
    ShareDay,
    ShareEvent,
    ShareTarget,
    ShareTotal,
    StreamPosition,
)
from sharing.shareables import Label
from sharing.stream import Accepted, Event
from tests.services import events_server
from tests.sharing.conftest import Shared

pytestmark = pytest.mark.django_db


@pytest.fixture
def target(db: None) -> ShareTarget:
    return ShareTarget.objects.create(page_id=1, label="Sleep")


def event(target: ShareTarget, **fields: object) -> Event:
    values = {
        "event_id": uuid4(),
        "target_id": target.pk,
        "channel": "bluesky",
        "share_class": ShareClass.INTENT,
        "occurred_at": timezone.now(),
    } | fields
    return Event(**values)  # type: ignore[arg-type]


def counted() -> int:
    return sum(ShareCount.objects.values_list("count", flat=True))


def server() -> Any:
    return Redis.from_url(f"unix://{events_server.socket}")


def test_a_sweep_counts_by_target_channel_class_and_day(target: ShareTarget) -> None:
    other = ShareTarget.objects.create(page_id=2, label="Rest")
    late = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    for one in (
        event(target), event(target), event(other), event(target, channel="x"),
        event(target, share_class=ShareClass.ARRIVAL), event(target, occurred_at=late),
        event(target, occurred_at=late + timedelta(seconds=1)),
    ):  # fmt: skip
        actions.accept(event=one)
    assert actions.drain() == 7
    assert counted() == 7
    assert ShareCount.objects.count() == 6
    days = ShareCount.objects.filter(day__lt="2026-04-01").order_by("day")
    assert [row.day.isoformat() for row in days] == ["2026-03-01", "2026-03-02"]


def test_the_stream_is_empty_after_a_sweep_and_the_position_is_kept(target: ShareTarget) -> None:
    actions.accept(event=event(target))
    [(last_id, _)] = server().xrange(stream.STREAM)
    actions.drain()
    assert server().xlen(stream.STREAM) == 0
    position = StreamPosition.objects.get()
    assert position.last_id == last_id.decode()
    assert position.epoch == server().get(stream.EPOCH).decode()


def test_an_event_sent_twice_counts_once(target: ShareTarget) -> None:
    once = event(target)
    actions.accept(event=once)
    actions.accept(event=once)
    actions.drain()
    actions.accept(event=once)
    actions.drain()
    assert counted() == 1


def test_a_sweep_killed_between_commit_and_trim_counts_nothing_twice(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        actions.accept(event=event(target))
    with monkeypatch.context() as killed:
        killed.setattr(stream, "trim", _killed)
        with pytest.raises(KeyboardInterrupt):
            actions.drain()
    assert server().xlen(stream.STREAM) == 10
    assert counted() == 10
    assert actions.drain() == 0
    assert counted() == 10
    assert server().xlen(stream.STREAM) == 0


def test_a_sweep_killed_before_its_commit_loses_nothing(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        actions.accept(event=event(target))
    with monkeypatch.context() as killed:
        killed.setattr("sharing.counting.add_to_counts", _killed)
        with pytest.raises(KeyboardInterrupt):
            actions.drain()
    assert counted() == 0
    assert ShareEvent.objects.count() == 0
    assert actions.drain() == 10
    assert counted() == 10


def _killed(*args: object, **kwargs: object) -> None:
    raise KeyboardInterrupt


def test_more_events_than_a_batch_are_counted_in_one_sweep(target: ShareTarget) -> None:
    for _ in range(2 * settings.SHARE_EVENT_BATCH + 5):
        actions.accept(event=event(target))
    assert actions.drain() == 2 * settings.SHARE_EVENT_BATCH + 5


def test_with_valkey_killed_events_go_to_the_inbox_and_are_counted(target: ShareTarget) -> None:
    events_server.kill()
    once = event(target)
    actions.accept(event=once)
    actions.accept(event=event(target))
    assert InboxEvent.objects.count() == 2
    events_server.start()
    valkey.events.cache_clear()
    # The one whose answer was lost was in the stream as well.
    actions.accept(event=once)
    actions.drain()
    assert counted() == 2
    assert not InboxEvent.objects.exists()


def test_with_valkey_down_the_inbox_is_counted_all_the_same(target: ShareTarget) -> None:
    events_server.kill()
    actions.accept(event=event(target))
    assert actions.drain() == 1
    assert counted() == 1


def test_with_valkey_frozen_a_reader_gets_an_answer_and_the_share_is_kept(
    shared: Shared, reader: Client, frozen_events: None
) -> None:
    answer = reader.get(f"/share/{shared.code}/bluesky/")
    assert answer.status_code == 303
    assert InboxEvent.objects.count() == 1


def test_with_valkey_out_of_memory_the_share_is_kept(target: ShareTarget) -> None:
    server().config_set("maxmemory", "1")
    try:
        actions.accept(event=event(target))
    finally:
        server().config_set("maxmemory", "0")
    assert InboxEvent.objects.count() == 1
    assert actions.drain() == 1


def test_a_full_server_is_emptied_all_the_same(target: ShareTarget) -> None:
    for _ in range(3):
        actions.accept(event=event(target))
    server().config_set("maxmemory", "1")
    try:
        assert actions.drain() == 3
        assert server().xlen(stream.STREAM) == 0
    finally:
        server().config_set("maxmemory", "0")


def test_a_kill_of_valkey_loses_no_event_that_its_log_has(target: ShareTarget) -> None:
    for _ in range(50):
        actions.accept(event=event(target))
    events_server.wait_for_disk()
    events_server.kill()
    events_server.start()
    assert actions.drain() == 50


def test_a_flushed_stream_starts_a_new_epoch_and_skips_nothing(target: ShareTarget) -> None:
    actions.accept(event=event(target))
    actions.drain()
    epoch = StreamPosition.objects.get().epoch
    server().flushall()
    # After the loss and a clock stepped back, new ids are far below the stored position.
    old = event(target)
    server().xadd(stream.STREAM, _fields(old), id="5-1")
    assert actions.drain() == 1
    assert StreamPosition.objects.get(stream=stream.STREAM).epoch != epoch
    assert counted() == 2


def test_a_restored_stream_below_the_position_is_counted_and_not_twice(target: ShareTarget) -> None:
    first = event(target)
    actions.accept(event=first)
    actions.drain()
    epoch = server().get(stream.EPOCH)
    server().delete(stream.STREAM)
    server().xadd(stream.STREAM, _fields(first), id="5-1")
    server().xadd(stream.STREAM, _fields(event(target)), id="5-2")
    assert server().get(stream.EPOCH) == epoch
    assert actions.drain() == 1
    assert counted() == 2


def accept_long_ago(target: ShareTarget, number: int) -> None:
    """Put events into the stream as they were accepted eight days ago."""
    moment = timezone.now() - timedelta(days=8)
    for _ in range(number):
        fields = _fields(event(target, occurred_at=moment))
        server().xadd(stream.STREAM, fields, id=f"{int(moment.timestamp() * 1000)}-*")


def forget_ids() -> None:
    """Let eight days pass for the ids that are counted."""
    ShareEvent.objects.update(recorded_at=timezone.now() - timedelta(days=8))
    assert actions.prune_events()
    assert not ShareEvent.objects.exists()


def test_an_old_copy_of_the_stream_is_not_counted_again_once_its_ids_are_forgotten(
    target: ShareTarget,
) -> None:
    number = 2 * settings.SHARE_EVENT_BATCH + 10
    accept_long_ago(target, number)
    copy = server().dump(stream.STREAM)
    assert actions.drain() == number, "a week without workers loses nothing"
    forget_ids()
    server().restore(stream.STREAM, 0, copy, replace=True)
    assert actions.drain() == 0, "a batch of the copy must not move the position back"
    assert counted() == number


def test_an_old_copy_of_a_stream_that_was_lost_since_is_not_counted_again(
    target: ShareTarget,
) -> None:
    accept_long_ago(target, 3)
    copy, epoch = server().dump(stream.STREAM), str(uuid4())
    server().set(stream.EPOCH, epoch)
    assert actions.drain() == 3
    server().flushall()
    actions.accept(event=event(target))
    assert actions.drain() == 1
    forget_ids()
    for _ in range(2):
        # Back and forth between the two.
        server().flushall()
        actions.accept(event=event(target))
        assert actions.drain() == 1
        server().flushall()
        server().restore(stream.STREAM, 0, copy)
        server().set(stream.EPOCH, epoch)
        assert actions.drain() == 0
    assert counted() == 6


def test_an_old_copy_from_before_the_first_sweep_is_not_counted_again(target: ShareTarget) -> None:
    accept_long_ago(target, 3)
    # No sweep has given the stream an epoch yet: it will be another one when it comes back.
    copy = server().dump(stream.STREAM)
    assert actions.drain() == 3
    forget_ids()
    for _ in range(2):
        server().flushall()
        server().restore(stream.STREAM, 0, copy)
        actions.accept(event=event(target))
        assert actions.drain() == 1
    assert counted() == 5
    assert server().xlen(stream.UNREADABLE) == 3, "nobody can tell, so an operator is told"


def test_what_was_lost_with_an_old_copy_and_came_another_way_is_not_counted_again(
    target: ShareTarget,
) -> None:
    moment = timezone.now() - timedelta(days=8)
    actions.accept(event=event(target))
    assert actions.drain() == 1
    epoch = server().get(stream.EPOCH)
    # Its answer was lost, so it went to the inbox as well; then the stream was lost before any sweep.
    twice = event(target, occurred_at=moment)
    server().xadd(stream.STREAM, _fields(twice))
    copy = server().dump(stream.STREAM)
    server().flushall()
    InboxEvent.objects.create(
        event_id=twice.event_id, target=target, channel="bluesky",
        share_class=ShareClass.INTENT, occurred_at=moment, accepted_at=moment,
    )  # fmt: skip
    assert actions.drain() == 1
    forget_ids()
    server().restore(stream.STREAM, 0, copy, replace=True)
    server().set(stream.EPOCH, epoch)
    assert actions.drain() == 0
    assert counted() == 2


def test_an_old_copy_that_comes_back_while_ids_are_forgotten_is_not_counted_again(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_long_ago(target, 4)
    copy = server().dump(stream.STREAM)
    assert actions.drain() == 4
    ShareEvent.objects.update(recorded_at=timezone.now() - timedelta(days=8))
    monkeypatch.setattr(actions, "IDS_A_CHUNK", 2)
    deleted = QuerySet.delete

    def deleted_and_killed(rows: Any) -> Any:
        deleted(rows)
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(QuerySet, "delete", deleted_and_killed)
        with pytest.raises(KeyboardInterrupt):
            actions.prune_events()
    assert ShareEvent.objects.count() == 2
    server().flushall()
    server().restore(stream.STREAM, 0, copy)
    assert actions.drain() == 0
    assert counted() == 4


def test_what_waits_for_days_without_a_worker_is_counted_though_ids_are_forgotten(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.accept(event=event(target))
    actions.drain()
    now = timezone.now() + timedelta(minutes=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    # In the last minute of its week, under an id below the position: of a server whose clock is behind.
    late = event(target, occurred_at=now - timedelta(days=7))
    server().delete(stream.STREAM)
    server().xadd(stream.STREAM, _fields(late), id=f"{int((now.timestamp() - 7200) * 1000)}-*")
    for days in (0, 1, 9, 30):
        now = timezone.now() + timedelta(days=days)
        assert actions.prune_events() == 0
    assert actions.drain() == 1
    assert actions.prune_events() == 1
    assert counted() == 2


def test_ids_forgotten_stay_forgotten_when_the_server_knows_an_older_sweep(
    target: ShareTarget,
) -> None:
    accept_long_ago(target, 2)
    copy = server().dump(stream.STREAM)
    assert actions.drain() == 2
    forget_ids()
    stream.note_sweep(valkey.events_for_jobs(), timezone.now() - timedelta(days=30))
    assert actions.prune_events() == 0
    server().restore(stream.STREAM, 0, copy, replace=True)
    assert actions.drain() == 0
    assert counted() == 2


def test_forgetting_ids_waits_for_whoever_counts(target: ShareTarget) -> None:
    actions.accept(event=event(target))
    actions.drain()
    with CaptureQueriesContext(connection) as asked:
        assert actions.prune_events() == 0
    statements = [each["sql"] for each in asked if "SAVEPOINT" not in each["sql"]]
    # On SQLite one transaction at a time writes.
    assert connection.vendor == "sqlite" or "pg_advisory_xact_lock" in statements[0]


def test_a_stream_replaced_during_a_sweep_keeps_its_new_events(target: ShareTarget) -> None:
    actions.accept(event=event(target))
    batch = stream.read(valkey.events_for_jobs(), 10)
    server().flushall()
    server().xadd(stream.STREAM, _fields(event(target)), id=batch.entries[0][0])
    stream.trim(valkey.events_for_jobs(), batch)
    assert server().xlen(stream.STREAM) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"},
        {"target": "x"},
        {"target": "999999"},
        {"class": "x"},
        {"at": "x"},
        {"at": "1e99"},
        {"at": "nan"},
        {"at": "253402300799"},
        {"at": "-62135596800"},
        {"target": "99999999999999999999"},
        {"target": "-1"},
        {"channel": "a\0b"},
    ],
    ids=str,
)
def test_an_entry_that_cannot_be_counted_is_set_aside_and_stops_nothing(
    change: dict[str, str], target: ShareTarget
) -> None:
    server().xadd(stream.STREAM, {**_fields(event(target)), **change})
    server().xadd(stream.STREAM, {"nonsense": "1"})
    actions.accept(event=event(target))
    assert actions.drain() == 1
    assert server().xlen(stream.STREAM) == 0
    assert server().xlen(stream.UNREADABLE) == 2


def test_an_entry_that_the_database_refuses_is_set_aside_and_stops_nothing(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = event(target, channel="poison")
    inserted = counting.insert_new

    def refuse(events: list[Accepted], *, recorded_at: datetime) -> list[counting.Group]:
        if poison.event_id.hex in {each.event_id for each in events}:
            raise DataError("a year beyond the range")
        return inserted(events, recorded_at=recorded_at)

    monkeypatch.setattr(counting, "insert_new", refuse)
    for one in (event(target), event(target), poison, event(target)):
        actions.accept(event=one)
    assert actions.drain() == 3
    assert counted() == 3
    assert server().xlen(stream.STREAM) == 0
    kept = [parsing.named(fields) for _, fields in server().xrange(stream.UNREADABLE)]
    assert [fields[b"channel"] for fields in kept] == [b"poison"]


def test_where_the_database_refuses_everything_nothing_is_set_aside(
    target: ShareTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        actions.accept(event=event(target))
    with monkeypatch.context() as broken:
        broken.setattr(counting, "add_to_counts", _refuse)
        with pytest.raises(IntegrityError):
            actions.drain()
    assert server().xlen(stream.UNREADABLE) == 0
    assert actions.drain() == 3


def _refuse(*args: object) -> None:
    raise IntegrityError("a bug of ours")


def test_an_id_that_repeats_within_and_across_batches_counts_once(target: ShareTarget) -> None:
    once, batch = event(target), settings.SHARE_EVENT_BATCH
    for number in range(3 * batch):
        one = once if number in {0, 1, batch - 1, batch + 3, 2 * batch} else event(target)
        actions.accept(event=one)
    assert actions.drain() == 3 * batch - 4
    assert counted() == 3 * batch - 4


def test_channels_with_every_sign_are_counted_as_they_are(target: ShareTarget) -> None:
    channels = [
        "a,b",
        '"',
        "{}",
        "NULL",
        "\\N",
        "\\",
        "\t\n\r",
        "'",
        "ü€😀",
        " ",
        "",
        "%s",
        "a" * 40,
    ]
    for channel in channels * 2:
        actions.accept(event=event(target, channel=channel))
    assert actions.drain() == 2 * len(channels)
    assert dict(ShareCount.objects.values_list("channel", "count")) == dict.fromkeys(channels, 2)
    assert set(ShareEvent.objects.values_list("channel", flat=True)) == set(channels)


def test_an_event_keeps_its_moment_and_its_day(target: ShareTarget) -> None:
    moments = [
        datetime(2026, 11, 25, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 11, 26, tzinfo=UTC),
        datetime(2026, 11, 26, 0, 0, 0, 50, tzinfo=UTC),
        datetime(1969, 12, 31, 12, tzinfo=UTC),
        datetime(44, 3, 15, tzinfo=UTC),
    ]
    for moment in moments:
        actions.accept(event=event(target, occurred_at=moment))
    assert actions.drain() == len(moments)
    assert set(ShareEvent.objects.values_list("occurred_at", flat=True)) == set(moments)
    days = {moment.date() for moment in moments}
    assert set(ShareCount.objects.values_list("day", flat=True)) == days


def test_entries_in_another_order_or_with_more_fields_are_read(target: ShareTarget) -> None:
    fields = _fields(event(target))
    server().xadd(stream.STREAM, dict(reversed(fields.items())))
    server().xadd(stream.STREAM, _fields(event(target)) | {"new": "1"})
    server().xadd(stream.STREAM, _fields(event(target)) | {"id": str(uuid4()).upper()})
    server().xadd(stream.STREAM, _fields(event(target)) | {"at": "1764118000"})
    assert actions.drain() == 4


def test_a_server_that_lost_its_last_second_keeps_what_came_after_under_the_same_ids(
    target: ShareTarget,
) -> None:
    for number in (1, 2, 3):
        server().xadd(stream.STREAM, _fields(event(target)), id=f"1000-{number}")
    batch = stream.read(valkey.events_for_jobs(), 10)
    # Started again without its last entry, and with a clock that went back: the id is another event's.
    [first, second, _] = server().xrange(stream.STREAM)
    server().delete(stream.STREAM)
    for entry_id, fields in (first, second):
        server().xadd(stream.STREAM, fields, id=entry_id)
    server().xadd(stream.STREAM, _fields(event(target)), id="1000-3")
    stream.trim(valkey.events_for_jobs(), batch)
    assert server().xlen(stream.STREAM) == 3
    assert actions.drain() == 3


def test_what_comes_while_a_batch_is_counted_is_not_trimmed_with_it(target: ShareTarget) -> None:
    actions.accept(event=event(target))
    batch = stream.read(valkey.events_for_jobs(), 10)
    actions.accept(event=event(target))
    stream.trim(valkey.events_for_jobs(), batch)
    assert server().xlen(stream.STREAM) == 1


def test_totals_and_sums_of_days_are_written_with_the_counts(target: ShareTarget) -> None:
    other = ShareTarget.objects.create(page_id=2, label="Rest")
    for one in (target, target, other):
        actions.accept(event=event(one))
    actions.accept(event=event(target, share_class=ShareClass.ARRIVAL))
    actions.drain()
    totals = ShareTotal.objects.values_list("target_id", "intent", "arrival")
    assert set(totals) == {(target.pk, 2, 1), (other.pk, 1, 0)}
    sums = ShareDay.objects.values_list("share_class", "count")
    assert dict(sums) == {"intent": 3, "arrival": 1}


def test_a_sweep_has_the_garbage_collector_back(target: ShareTarget) -> None:
    actions.accept(event=event(target))
    actions.drain()
    assert gc.isenabled()


def test_a_batch_costs_the_same_statements_whatever_is_in_it(
    target: ShareTarget,
) -> None:
    for number in range(settings.SHARE_EVENT_BATCH - 1):
        actions.accept(event=event(target, channel=f"c{number}"))
    with CaptureQueriesContext(connection) as many:
        actions.drain()
    actions.accept(event=event(target))
    with CaptureQueriesContext(connection) as one:
        actions.drain()
    assert len(many) == len(one)


def test_prune_forgets_only_ids_that_can_no_longer_come_late(target: ShareTarget) -> None:
    actions.accept(event=event(target))
    actions.accept(event=event(target))
    actions.drain()
    oldest = ShareEvent.objects.order_by("event_id").first()
    assert oldest is not None
    ShareEvent.objects.filter(pk=oldest.pk).update(recorded_at=timezone.now() - timedelta(days=8))
    assert actions.prune_events() == 1
    assert ShareEvent.objects.count() == 1
    assert counted() == 2


def test_publishing_again_gives_no_new_codes(shared: Shared) -> None:
    before = set(ShareTarget.objects.values_list("pk", "code"))
    shared.article.save_revision().publish()
    shared.article.unpublish()
    shared.article.save_revision().publish()
    assert set(ShareTarget.objects.values_list("pk", "code")) == before


def test_a_code_that_is_taken_is_made_anew(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = iter([shared.code, shared.code, "aaaaaaaa", "bbbbbbbb", "cccccccc"])
    monkeypatch.setattr("sharing.models.secrets.choice", _spell(codes))
    actions.ensure_targets(labels=[Label(999, None, "Another"), Label(999, UUID(int=1), "Part")])
    assert ShareTarget.objects.filter(page_id=999).count() == 2


def _spell(codes: object) -> object:
    letters: list[str] = []

    def choice(alphabet: str) -> str:
        if not letters:
            letters.extend(next(codes))  # type: ignore[call-overload]
        return letters.pop(0)

    return choice


def _fields(one: Event) -> dict[Any, Any]:
    return {
        "id": one.event_id.hex,
        "target": str(one.target_id),
        "channel": one.channel,
        "class": one.share_class.value,
        "at": str(one.occurred_at.timestamp()),
    }
