"""Whatever is in a batch, the database counts it as a Counter does; and so do several workers at once."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from redis import Redis

from sharing import actions, counting, stream
from sharing.models import ShareClass, ShareCount, ShareDay, ShareEvent, ShareTarget, ShareTotal
from sharing.stream import Accepted, Event
from tests.services import events_server

EVENTS = 2000
WORKERS = 3

_moments = st.datetimes(
    min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)
)
_channels = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
_events = st.tuples(
    # Few ids, so that they repeat within a batch and across two.
    st.integers(0, 30),
    st.integers(0, 2),
    st.one_of(st.sampled_from(["bluesky", "x"]), _channels),
    st.sampled_from(ShareClass),
    _moments,
)


@pytest.mark.django_db
@given(batches=st.lists(st.lists(_events, max_size=25), min_size=1, max_size=3))
@examples(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_batches_are_counted_as_a_counter_counts_them(
    batches: list[list[tuple[int, int, str, ShareClass, datetime]]], db: None
) -> None:
    with transaction.atomic():
        targets = [ShareTarget.objects.create(page_id=each, label="Sleep").pk for each in range(3)]
        seen: set[int] = set()
        expected: Counter[tuple[object, ...]] = Counter()
        for batch in batches:
            # Of the same id the last in a batch is taken, and the first of all batches.
            fresh = {each[0]: each for each in batch if each[0] not in seen}
            seen |= set(fresh)
            for _, target, channel, share_class, moment in fresh.values():
                expected[targets[target], channel, share_class.value, moment.date()] += 1
            events = [
                Accepted.of(Event(UUID(int=number), targets[target], channel, share_class, moment))
                for number, target, channel, share_class, moment in batch
            ]
            counting.take_turns()
            new = counting.insert_new(events, recorded_at=datetime.now(UTC))
            assert sum(group.number for group in new) == len(fresh)
            counting.add_to_counts(new)
        rows = ShareCount.objects.values_list("target_id", "channel", "share_class", "day", "count")
        assert {row[:4]: row[4] for row in rows} == expected
        ids = ShareEvent.objects.values_list("event_id", flat=True)
        assert set(ids) == {UUID(int=each) for each in seen}
        assert sum(map(sum, ShareTotal.objects.values_list(*ShareClass.values))) == len(seen)
        assert sum(ShareDay.objects.values_list("count", flat=True)) == len(seen)
        transaction.set_rollback(True)


_WORKER = """
import django; django.setup()
from sharing import actions
print("ready", flush=True); input()
for _ in range(3): actions.drain()
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.processes
def test_several_workers_at_once_count_each_event_once() -> None:
    targets = [ShareTarget.objects.create(page_id=number, label="Sleep") for number in range(40)]
    numbers = range(EVENTS)
    for number in numbers:
        one = Event(
            UUID(int=number % (EVENTS - 100)), targets[number * 7 % 40].pk, f"c{number % 5}",
            ShareClass.INTENT, datetime.now(UTC),
        )  # fmt: skip
        actions.accept(event=one)
    values = connection.settings_dict
    host = str(values["HOST"]).replace("/", "%2F")
    database = (
        f"postgres://{values['USER']}@{host}/{values['NAME']}"
        if connection.vendor == "postgresql"
        else f"sqlite:///{values['NAME']}"
    )
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(WORKERS)
    ]  # fmt: skip
    try:
        for worker in workers:
            assert worker.stdout and worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin
            worker.stdin.write("go\n")
            worker.stdin.flush()
        assert [worker.wait(120) for worker in workers] == [0] * WORKERS
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe:
                    pipe.close()
    assert Redis.from_url(f"unix://{events_server.socket}").xlen(stream.STREAM) == 0
    assert sum(ShareCount.objects.values_list("count", flat=True)) == EVENTS - 100
