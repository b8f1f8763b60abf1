"""Real Celery workers, killed in the middle of a sweep: nothing lost, nothing doubled."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from redis import Redis

from healthsite.celery import app
from sharing import actions, stream
from sharing.models import ShareClass, ShareCount, ShareEvent, ShareTarget
from sharing.stream import Event
from tests.services import events_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

EVENTS = 3000
KILLS = 4
# Generous: a busy machine may take its time, a hang may not.
DEADLINE_SECONDS = 150


class Worker:
    """A Celery worker of the site, on the tests' database and Valkey."""

    def __init__(self, database: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "healthsite.celery", "worker",
             "--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database},
            start_new_session=True,
        )  # fmt: skip

    def kill(self) -> None:
        """Kill the worker and its children at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def database() -> str:
    """Return the address of the database that this test's processes share."""
    values = connection.settings_dict
    if connection.vendor == "postgresql":
        host = str(values["HOST"]).replace("/", "%2F")
        return f"postgres://{values['USER']}@{host}/{values['NAME']}"
    return f"sqlite:///{values['NAME']}"


@pytest.fixture
def workers(database: str) -> Iterator[list[Worker]]:
    started: list[Worker] = []
    yield started
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()


def test_killed_workers_lose_and_double_no_event(database: str, workers: list[Worker]) -> None:
    targets = [ShareTarget.objects.create(page_id=number, label="Sleep") for number in range(3)]
    server = Redis.from_url(f"unix://{events_server.socket}")
    sent: dict[int, int] = {target.pk: 0 for target in targets}
    for number in range(EVENTS):
        target = targets[number % 3]
        once = Event(uuid4(), target.pk, "bluesky", ShareClass.INTENT, timezone.now())
        actions.accept(event=once)
        if number % 10 == 0:
            actions.accept(event=once)  # its answer was lost, so it was sent again
        sent[target.pk] += 1

    deadline = time.monotonic() + DEADLINE_SECONDS
    for kill in range(KILLS + 1):
        worker = Worker(database)
        workers.append(worker)
        before = ShareEvent.objects.count()
        while ShareEvent.objects.count() <= before + 100 and server.xlen(stream.STREAM):
            assert time.monotonic() < deadline, "no worker counts"
            app.send_task("sharing.drain_events")
            time.sleep(0.05)
        if kill < KILLS:
            worker.kill()
    while server.xlen(stream.STREAM):
        assert time.monotonic() < deadline, "the stream is never empty"
        app.send_task("sharing.drain_events")
        time.sleep(0.1)
    counted = dict(ShareCount.objects.values_list("target_id", "count"))
    assert counted == sent
