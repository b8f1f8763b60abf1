"""Several drains and editors at once: counted and held are what was accepted, and nobody waits in a circle."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from redis import Redis

from sharing import actions, burst_actions, stream, valkey
from sharing.models import ShareBurst, ShareEvent, ShareTarget
from tests.services import events_server
from tests.sharing.floods import HOUR, LIMIT, assert_exact, burst, count, event, flood, held

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

# Generous: a busy machine may take its time, a hang may not.
DEADLINE_SECONDS = 150
ACTS = (burst_actions.accept, burst_actions.drop, burst_actions.reopen)


@pytest.fixture(autouse=True)
def _guard(settings: Any) -> None:
    settings.SHARE_BURST_LIMIT = LIMIT


@pytest.fixture
def targets(transactional_db: None) -> list[ShareTarget]:
    return [ShareTarget.objects.create(page_id=number, label="T") for number in range(1, 4)]


@pytest.fixture
def user(transactional_db: None) -> User:
    return User.objects.create_user("petra")


def in_threads(*jobs: Any) -> None:
    """Run all at once, each on a connection of its own; what one raises is raised."""
    together = Barrier(len(jobs))

    def run(job: Any) -> None:
        together.wait()
        try:
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result(DEADLINE_SECONDS)


def test_drains_and_editors_at_once_lose_and_double_nothing(
    targets: list[ShareTarget], user: User
) -> None:
    hours = [HOUR + timedelta(hours=number) for number in range(2)]
    for target in targets:
        for hour in hours:
            flood(target, LIMIT + 1, at=hour)

    def drains(seed: int) -> Any:
        chance = random.Random(seed)
        batches = [
            [
                event(chance.choice(targets), at=chance.choice(hours), channel=f"c{n % 3}")
                for n in range(25)
            ]
            for _ in range(6)
        ]

        def job() -> None:
            for batch in batches:
                count(*batch)

        return job

    def decides(seed: int) -> Any:
        chance = random.Random(seed)
        bursts = list(ShareBurst.objects.all())

        def job() -> None:
            for _ in range(25):
                chance.choice(ACTS)(burst=chance.choice(bursts), user=user)

        return job

    in_threads(drains(1), drains(2), drains(3), decides(4), decides(5))
    assert_exact(6 * (LIMIT + 1) + 3 * 6 * 25)
    for each in ShareBurst.objects.all():
        burst_actions.reopen(burst=each, user=user)
    assert held() == 6 + 3 * 6 * 25


def test_two_editors_who_press_at_the_same_moment_decide_once(
    targets: list[ShareTarget], user: User
) -> None:
    flood(targets[0], LIMIT + 7)
    for act, seen in ((burst_actions.accept, "held"), (burst_actions.drop, "accepted")):
        changed: list[bool] = []
        now = burst()

        def press(
            act: Any = act, now: ShareBurst = now, seen: str = seen, changed: list[bool] = changed
        ) -> None:
            changed.append(act(burst=now, user=user, seen=seen))

        in_threads(*[press] * 4)
        assert sorted(changed) == [False, False, False, True]
        assert_exact(LIMIT + 7)


def test_the_first_of_a_flood_in_two_drains_at_once_make_one_flood(
    targets: list[ShareTarget],
) -> None:
    batches = [[event(target) for target in targets for _ in range(8)] for _ in range(4)]
    in_threads(*[lambda batch=batch: count(*batch) for batch in batches])
    assert ShareBurst.objects.count() == 3
    assert held() == 3 * (32 - LIMIT)
    assert_exact(3 * 32)


def _drain_without_end() -> None:
    # What the parent talks through stays the parent's.
    for factory in (valkey.events, valkey.events_for_jobs, valkey.volatile):
        factory.cache_clear()
    while True:
        actions.drain()


@pytest.fixture
def drains() -> Iterator[list[BaseProcess]]:
    started: list[BaseProcess] = []
    yield started
    for process in started:
        process.kill()
        process.join(10)


def _drain_process() -> BaseProcess:
    """Start a drain in a process of its own: this one, without its connections."""
    connection.close()
    process = get_context("fork").Process(target=_drain_without_end, daemon=True)
    process.start()
    return process


def test_drains_that_are_killed_while_an_editor_decides_stay_exact(
    targets: list[ShareTarget], user: User, drains: list[BaseProcess]
) -> None:
    sent = 0

    def send(number: int) -> int:
        for each in range(number):
            actions.accept(event=event(targets[each % 3], at=timezone.now()))
        return number

    server = Redis.from_url(f"unix://{events_server.socket}")
    deadline = time.monotonic() + DEADLINE_SECONDS
    chance = random.Random(6)
    sent += send(600)
    drains.append(_drain_process())
    killed = False
    while server.xlen(stream.STREAM) or not killed:
        assert time.monotonic() < deadline, "nobody counts"
        for each in ShareBurst.objects.all():
            chance.choice(ACTS)(burst=each, user=user)
        if not killed and ShareEvent.objects.count() > 100:
            for process in list(drains):
                process.kill()
            drains.append(_drain_process())
            killed = True
            sent += send(200)
        elif not killed and server.xlen(stream.STREAM) < 300:
            sent += send(300)
    assert_exact(sent)
