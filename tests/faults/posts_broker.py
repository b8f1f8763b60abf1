"""The fault `posts-broker`: the broker is stopped, frozen, flushed and emptied while 500 posts are due."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import redis
from django.conf import settings

from healthsite.supervisor import processes
from sharing import waking
from sharing.models import ShareTarget, SocialAccount
from tests.faults import drainers, posts_networks, posts_site
from tests.faults.posts import compose, in_hand, publish_an_article
from tests.faults.posts_networks import KEYED, LOOKUP
from tests.faults.posts_workers import Program, frozen
from tests.faults.world import World

# So many posts to four accounts.
POSTS = int(os.environ.get("FAULT_POSTS") or 125)
ACCOUNTS = {KEYED: 2, LOOKUP: 2}
WORKERS = 2
EACH_FAULT = 3
# In seconds.
LONGEST_WAIT = 1.0
_FAULT_LASTS = (1.0, 3.0)
_SETTLE_WITHIN = 90.0


def run(world: World) -> tuple[dict[str, Any], bool]:
    """Save posts all along while the broker fails; return what to print and whether all was well."""
    return _Run(world).run()


class _Run:
    def __init__(self, world: World) -> None:
        self.world = world
        self.faults: Counter[str] = Counter()
        self.saves: list[float] = []
        self.told: list[float] = []
        self.workers: list[drainers.CeleryWorker] = []
        self.workers_ended = 0
        self.beat: Program | None = None

    def run(self) -> tuple[dict[str, Any], bool]:
        try:
            self._begin()
            self._fail_all_along()
            is_settled = self.world.wait_until(self._is_settled, _SETTLE_WITHIN)
            self._end()
            return self._verdict(is_settled)
        finally:
            self._end()
            self.world.end_children()

    def _begin(self) -> None:
        names = tuple(f"demo{number}" for number in range(max(ACCOUNTS.values())))
        says = self.world.folder / "networks"
        self.world.fork(posts_networks.serve, names, self.world.seed, says, False, log="networks")
        self.world.wait_until(says.exists, 30)
        self.networks = posts_networks.Networks.read(says)
        settings.POSTING_TRUSTED_HOSTS = [self.networks.open, self.networks.blind]
        os.environ |= {
            "POSTING_TRUSTED_HOSTS": ",".join(settings.POSTING_TRUSTED_HOSTS),
            "DJANGO_SETTINGS_MODULE": "tests.faults.posts_settings",
        }
        posts_site.change()
        self._time_what_is_told()
        self.accounts: list[SocialAccount] = [
            self.networks.connect(slug, names[number])
            for slug, many in ACCOUNTS.items()
            for number in range(many)
        ]
        self.target: ShareTarget = publish_an_article()
        self.workers = [drainers.CeleryWorker(self.world.folder) for _ in range(WORKERS)]
        self.beat = Program(processes.beat(self.world.folder), self.world.folder / "beat.log")
        self.world.wait_until(lambda: all(worker.is_up for worker in self.workers), 60)

    def _time_what_is_told(self) -> None:
        """Time apart from the save how long it takes to tell a worker, or to give that up."""
        wake = waking.wake

        def timed(task: str) -> bool:
            began = time.monotonic()
            try:
                return wake(task)
            finally:
                self.told.append(time.monotonic() - began)

        waking.wake = timed

    def _fail_all_along(self) -> None:
        plan: list[tuple[str, Callable[[float], None]]] = [
            ("stopped", self._stop),
            ("frozen", self._freeze),
            ("flushed", self._flush),
            ("restarted empty", self._restart_empty),
        ] * EACH_FAULT
        self.world.chance.shuffle(plan)
        for number, (name, fault) in enumerate(plan, start=1):
            self._save_until(POSTS * number // (len(plan) + 1))
            fault(self.world.chance.uniform(*_FAULT_LASTS))
            self.faults[name] += 1
            self.world.say(f"{name}: {len(self.saves)} saved, {in_hand()} deliveries are open")
        self._save_until(POSTS)

    def _save_until(self, number: int) -> None:
        while len(self.saves) < number:
            self._save()

    def _replace_the_dead(self) -> None:
        """Start a worker again that ended, as the supervisor does and Compose.

        kombu 5.7 lets one end itself that was busy when its broker went: its task is acknowledged on a
        connection that is gone.
        """
        for place, worker in enumerate(self.workers):
            if worker.has_ended:
                self.workers_ended += 1
                self.workers[place] = drainers.CeleryWorker(self.world.folder)

    def _is_settled(self) -> bool:
        self._replace_the_dead()
        time.sleep(0.2)
        return not in_hand()

    def _save(self) -> None:
        self._replace_the_dead()
        began = time.monotonic()
        compose(self.target, self.accounts, len(self.saves), approved=True)
        self.saves.append(time.monotonic() - began)
        time.sleep(0.05)

    def _save_for(self, seconds: float) -> None:
        """Save while the broker is away, some of the posts at least, and never all of them."""
        ends = time.monotonic() + seconds
        for _ in range(POSTS // (6 * EACH_FAULT)):
            if len(self.saves) < POSTS:
                self._save()
        time.sleep(max(0.0, ends - time.monotonic()))

    def _stop(self, seconds: float) -> None:
        self.world.events.kill()
        self._save_for(seconds)
        self.world.events.start()

    def _freeze(self, seconds: float) -> None:
        with frozen(self.world.events):
            self._save_for(seconds)

    def _flush(self, seconds: float) -> None:
        self._save()
        with redis.Redis.from_url(self.world.events.url) as client:
            client.flushall()

    def _restart_empty(self, seconds: float) -> None:
        self.world.events.kill()
        shutil.rmtree(self.world.folder / "valkey")
        self._save_for(seconds)
        self.world.events.start()

    def _end(self) -> None:
        for worker in self.workers:
            worker.kill()
        if self.beat is not None:
            self.beat.kill()

    def _verdict(self, is_settled: bool) -> tuple[dict[str, Any], bool]:
        verdict = posts_networks.compare(ACCOUNTS, self.networks.truth())
        # Saving also waits for the database, which the workers write to at that moment.
        slowest = max(self.told)
        found = {
            **asdict(verdict),
            "saves": len(self.saves),
            "slowest_save": round(max(self.saves), 3),
            "slowest_telling": round(max(self.told), 3),
            "settled": is_settled,
            "workers_ended": self.workers_ended,
            "faults": dict(sorted(self.faults.items())),
        }
        is_well = (
            is_settled
            and verdict.sent == POSTS * len(self.accounts)
            and not (verdict.lost or verdict.doubled or verdict.unknown)
            and slowest <= LONGEST_WAIT
        )
        return found, is_well
