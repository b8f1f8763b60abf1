"""The fault `events`: 100,000 events while everything that can be killed is killed."""

import os
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

import redis
from django.db import DatabaseError, connections, transaction

from sharing import actions, stream
from sharing.models import InboxEvent, ShareTarget, StreamPosition
from tests.faults import drainers, kill_points, producing, swallowing, truth
from tests.faults.world import World, forget_connections, forking

EVENTS = int(os.environ.get("FAULT_EVENTS") or 100_000)
PRODUCERS = 4
TARGETS = 300
CELERY_WORKERS = 2
LOOPS = 2

POINTS = 3  # times each named point
CELERY_KILLS = 8
POOL_KILLS = 9
LOOP_KILLS = 8
VALKEY_KILLS = 6
DATABASE_FAULTS = 6

# So many events wait before a drainer is killed, so that it has something to do; no longer than so many seconds.
_WAITING = min(300, EVENTS // 400)
_WAIT_FOR_WORK = 2.0
_WAIT_FOR_VICTIM = 10.0
_TELL_EVERY = 10.0
# So many events are sent by each producer at every look for a victim.
_FOOD = 1


def run(world: World) -> tuple[dict[str, Any], bool]:
    """Send, kill, drain to the last, compare; return what to print and whether all was exact."""
    return _Run(world).run()


class _Run:
    def __init__(self, world: World) -> None:
        self.world = world
        self.kills: Counter[str] = Counter()
        self.ceiling = forking.RawValue("q", 0)
        self.files = [world.folder / f"sent-{number}" for number in range(PRODUCERS)]
        self.producers: list[BaseProcess] = []
        self.workers: list[drainers.CeleryWorker] = []
        self.loops: list[BaseProcess] = []

    def run(self) -> tuple[dict[str, Any], bool]:
        try:
            self._begin()
            self._kill_all_along()
            self._finish()
        finally:
            for worker in self.workers:
                worker.kill()
            self.world.end_children()
        # What the last sweeps of the killed left.
        forget_connections()
        actions.drain()
        sent, found = list(truth.read(self.files)), truth.counted()
        verdict = truth.compare(sent, found)
        for line in truth.differences(sent, found):
            self.world.say(line)
        is_exact = verdict.is_exact and verdict.sent == EVENTS
        return {
            "sent": verdict.sent,
            "lost": verdict.lost,
            "doubled": verdict.doubled,
            "wrong_sums": verdict.wrong_sums,
            "held": verdict.held,
            "unanswered": verdict.unanswered,
            "kills": dict(sorted(self.kills.items())),
        }, is_exact

    # --- The players -------------------------------------------------------------------------

    def _begin(self) -> None:
        targets = ShareTarget.objects.bulk_create(
            ShareTarget(page_id=number, label=f"Article {number}") for number in range(TARGETS)
        )
        ids = [target.pk for target in targets]
        proxy = self.world.folder / "proxy.sock"
        self.world.fork(
            swallowing.serve, proxy, self.world.events.socket, self.world.seed, log="proxy"
        )
        self.world.wait_until(proxy.exists, 10)
        self.world.fork(drainers.ask_for_sweeps, log="beat")
        for number, file in enumerate(self.files):
            order = producing.Order(
                seed=self.world.seed * 100 + number,
                events=EVENTS // PRODUCERS,
                targets=ids,
                address=f"unix://{proxy}?db=0",
                file=file,
            )
            self.producers.append(
                self.world.fork(producing.produce, order, self.ceiling, log="producer")
            )
        self._replace_the_dead()

    def _replace_the_dead(self) -> None:
        self.workers = [worker for worker in self.workers if not worker.has_ended]
        while len(self.workers) < CELERY_WORKERS:
            self.workers.append(drainers.CeleryWorker(self.world.folder))
        self.loops = [loop for loop in self.loops if loop.is_alive()]
        while len(self.loops) < LOOPS:
            self.loops.append(self.world.fork(drainers.drain_in_a_loop, log="loop"))

    # --- What happens to them ----------------------------------------------------------------

    def _kill_all_along(self) -> None:
        plan: list[Callable[[], None]] = [
            *(lambda point=point: self._kill_at(point) for point in kill_points.ALL for _ in range(POINTS)),
            *[self._kill_worker] * CELERY_KILLS,
            *[self._kill_one_of_a_pool] * POOL_KILLS,
            *[self._kill_loop] * LOOP_KILLS,
            *[self._kill_valkey] * VALKEY_KILLS,
            *[self._crash_database if self.world.postgres else self._kill_writer] * DATABASE_FAULTS,
        ]  # fmt: skip
        self.world.chance.shuffle(plan)
        a_producers = EVENTS // PRODUCERS
        # Workers take seconds to load the site: the first kill finds them at work.
        self.world.wait_until(lambda: all(worker.is_up for worker in self.workers), 60)
        for number, fault in enumerate(plan, start=1):
            self.ceiling.value = max(self.ceiling.value, a_producers * number // (len(plan) + 1))
            self.world.wait_until(lambda: self._waiting() > _WAITING, _WAIT_FOR_WORK)
            time.sleep(self.world.chance.uniform(0, 0.3))
            fault()
            self._replace_the_dead()
            if number % 10 == 0:
                self.world.say(f"{number} of {len(plan)} faults, {self._waiting()} events wait")
        self.ceiling.value = a_producers

    def _kill_at(self, point: str) -> None:
        """Have whoever gets there first die at a named point."""
        kill_points.arm(point)
        died: list[int] = []

        def has_died() -> bool:
            # Nobody gets anywhere with nothing to do.
            self.ceiling.value += _FOOD
            if (pid := kill_points.victim(point)) is not None:
                died.append(pid)
            return bool(died)

        if not self.world.wait_until(has_died, _WAIT_FOR_VICTIM):
            if kill_points.disarm(point):
                self._kill_loop()
                return
            self.world.wait_until(has_died, _WAIT_FOR_VICTIM)
        for loop in self.loops:
            if loop.pid in died:
                loop.join(5)
        self.kills[f"drainer {point.replace('-', ' ')}"] += 1

    def _kill_worker(self) -> None:
        up = [worker for worker in self.workers if worker.is_up]
        if not up:
            self.world.wait_until(lambda: any(worker.is_up for worker in self.workers), 60)
            up = [worker for worker in self.workers if worker.is_up]
        self.world.chance.choice(up or self.workers).kill()
        self.kills["celery worker"] += 1

    def _kill_one_of_a_pool(self) -> None:
        def is_done() -> bool:
            worker = self.world.chance.choice(self.workers)
            return worker.kill_one_of_pool(self.world.chance.randrange(drainers.CONCURRENCY))

        if self.world.wait_until(is_done, 60):
            self.kills["celery pool process"] += 1

    def _kill_loop(self) -> None:
        loop = self.world.chance.choice(self.loops)
        loop.kill()
        loop.join(10)
        self.kills["drain loop"] += 1

    def _kill_valkey(self) -> None:
        self.world.events.kill()
        time.sleep(self.world.chance.uniform(0.05, 0.8))
        self.world.events.start()
        self.kills["valkey"] += 1

    def _crash_database(self) -> None:
        postgres = self.world.postgres
        assert postgres is not None
        connections.close_all()
        postgres.crash()
        time.sleep(self.world.chance.uniform(0, 0.5))
        postgres.start_server()
        self.kills["postgresql"] += 1

    def _kill_writer(self) -> None:
        """Kill a process in the middle of a transaction that holds SQLite's write lock."""
        holds = self.world.folder / "holds-the-lock"
        holds.unlink(missing_ok=True)
        writer = self.world.fork(_hold_the_lock, holds, log="writer")
        self.world.wait_until(holds.exists, 30)
        time.sleep(self.world.chance.uniform(0, 0.5))
        writer.kill()
        writer.join(10)
        self.kills["sqlite writer"] += 1

    # --- The end -----------------------------------------------------------------------------

    def _finish(self) -> None:
        for producer in self.producers:
            producer.join()
        self.world.say("all is sent")
        told = time.monotonic()
        while waiting := self._waiting():
            if time.monotonic() > told + _TELL_EVERY:
                told = time.monotonic()
                self.world.say(f"{waiting} events wait")
            self._replace_the_dead()
            time.sleep(0.1)

    def _waiting(self) -> int:
        """Return how many entries wait in the stream and in the inbox; many, where nobody can tell."""
        try:
            with redis.Redis.from_url(self.world.events.url, socket_timeout=5) as client:
                entries = int(client.xlen(stream.STREAM))
            return entries + InboxEvent.objects.count()
        except (redis.RedisError, DatabaseError):
            connections.close_all()
            return 1


def _hold_the_lock(says_so: Any) -> None:
    with transaction.atomic():
        # Were this committed, nothing that was counted before would be known as such.
        StreamPosition.objects.all().delete()
        says_so.touch()
        time.sleep(60)
