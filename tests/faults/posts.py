"""The fault `posts`: 1,000 posts while their senders are killed 200 times and replies are swallowed."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from multiprocessing.process import BaseProcess
from typing import Any

from django.conf import settings
from django.db import OperationalError
from wagtail.models import Page, Site

from articles.models import HomePage
from sharing.links import post_address
from sharing.models import Delivery, DeliveryAttempt, ShareTarget, SocialAccount, SocialPost
from sharing.posting import actions, sweeping
from sharing.posting.actions import Timing, Wording
from sharing.posting.states import DeliveryState
from tests.factories import add_article
from tests.faults import drainers, kill_points, posts_networks, posts_site
from tests.faults.posts_networks import BLIND, KEYED, LOOKUP
from tests.faults.posts_workers import let_go_on, send_in_a_loop, sweep_and_wake
from tests.faults.world import World

# So many deliveries: one of each post for each account.
POSTS = int(os.environ.get("FAULT_POSTS") or 100)
ACCOUNTS = {KEYED: 4, LOOKUP: 4, BLIND: 2}
LOOPS = 6
CELERY_WORKERS = 1
SWEEPS = 2

# 200 kills, and besides them freezes beyond a lease.
AT_EACH_POINT = 20
LOOP_KILLS = 24
POOL_KILLS = 12
CELERY_KILLS = 4
FREEZES = 8

_FOOD_BELOW = 12
_WAIT_FOR_WORK = 1.0
_WAIT_FOR_VICTIM = 4.0
_SETTLE_WITHIN = 120.0


def run(world: World) -> tuple[dict[str, Any], bool]:
    """Post, kill, wait until all is settled, compare; return what to print and whether all was well."""
    return _Run(world).run()


class _Run:
    def __init__(self, world: World) -> None:
        self.world = world
        self.kills: Counter[str] = Counter()
        self.loops: list[BaseProcess] = []
        self.workers: list[drainers.CeleryWorker] = []
        self.freezes = 0
        self.refused = 0
        self.sweeps: list[BaseProcess] = []
        # Drafts, in the order in which they are approved.
        self.drafts: list[SocialPost] = []

    def run(self) -> tuple[dict[str, Any], bool]:
        try:
            self._begin()
            self._kill_all_along()
            is_settled = self._settle()
            self._end_senders()
            return self._verdict(is_settled)
        finally:
            self._end_senders()
            self.world.end_children()

    # --- The players -------------------------------------------------------------------------

    def _begin(self) -> None:
        names = tuple(f"demo{number}" for number in range(max(ACCOUNTS.values())))
        says = self.world.folder / "networks"
        self.world.fork(posts_networks.serve, names, self.world.seed, says, True, log="networks")
        self.world.wait_until(says.exists, 30)
        self.networks = posts_networks.Networks.read(says)
        trusted = [self.networks.open, self.networks.blind]
        os.environ |= {
            "POSTING_TRUSTED_HOSTS": ",".join(trusted),
            "DJANGO_SETTINGS_MODULE": "tests.faults.posts_settings",
        }
        settings.POSTING_TRUSTED_HOSTS = trusted
        posts_site.change()
        accounts = [
            self.networks.connect(slug, names[number])
            for slug, many in ACCOUNTS.items()
            for number in range(many)
        ]
        target = publish_an_article()
        self.drafts = [compose(target, accounts, each, approved=False) for each in range(POSTS)]
        self.sweeps = [self.world.fork(sweep_and_wake, log="sweep") for _ in range(SWEEPS)]
        self._replace_the_dead()
        self.world.wait_until(lambda: all(worker.is_up for worker in self.workers), 60)

    def _replace_the_dead(self) -> None:
        self.workers = [worker for worker in self.workers if not worker.has_ended]
        while len(self.workers) < CELERY_WORKERS:
            self.workers.append(drainers.CeleryWorker(self.world.folder))
        self.loops = [loop for loop in self.loops if loop.is_alive()]
        while len(self.loops) < LOOPS:
            self.loops.append(self.world.fork(send_in_a_loop, log="loop"))

    def _end_senders(self) -> None:
        for worker in self.workers:
            worker.kill()
        for process in (*self.loops, *self.sweeps):
            process.kill()
            process.join(10)

    # --- What happens to them ----------------------------------------------------------------

    def _kill_all_along(self) -> None:
        plan: list[Callable[[], None]] = [
            *(lambda point=point: self._kill_at(point) for point in posts_site.POINTS for _ in range(AT_EACH_POINT)),
            *[self._kill_loop] * LOOP_KILLS,
            *[self._kill_one_of_a_pool] * POOL_KILLS,
            *[self._kill_worker] * CELERY_KILLS,
            *[self._freeze] * FREEZES,
        ]  # fmt: skip
        self.world.chance.shuffle(plan)
        drafts = len(self.drafts)
        for number, fault in enumerate(plan, start=1):
            while drafts - len(self.drafts) < drafts * number // len(plan):
                self._approve_one()
            self.world.wait_until(lambda: in_hand() > _FOOD_BELOW, _WAIT_FOR_WORK)
            time.sleep(self.world.chance.uniform(0, 0.15))
            fault()
            self._replace_the_dead()
            if number % 25 == 0:
                self.world.say(
                    f"{number} of {len(plan)} faults, {self._left()} deliveries are open"
                )
        while self.drafts:
            self._approve_one()

    def _approve_one(self) -> None:
        """Approve one more; who is told that the database is busy tries again, as an editor does."""
        if self.drafts:
            try:
                actions.approve(post=self.drafts[0], by=None)
            except OperationalError:
                # On SQLite a process that was stopped in the middle of a transaction keeps out all others.
                self.refused += 1
            else:
                self.drafts.pop(0)

    def _kill_at(self, point: str) -> None:
        """Have whoever gets there first die at a named point."""
        kill_points.arm(point)
        died: list[int] = []

        def has_died() -> bool:
            if (pid := kill_points.victim(point)) is not None:
                died.append(pid)
            return bool(died)

        if not self.world.wait_until(has_died, _WAIT_FOR_VICTIM):
            # Nobody gets anywhere with nothing to do.
            self._approve_one()
            if not self.world.wait_until(has_died, _WAIT_FOR_VICTIM) and kill_points.disarm(point):
                self._kill_loop()
                return
        for loop in self.loops:
            if loop.pid in died:
                loop.join(5)
        self.kills[point.replace("-", " ")] += 1

    def _kill_loop(self) -> None:
        loop = self.world.chance.choice(self.loops)
        loop.kill()
        loop.join(10)
        self.kills["at any moment"] += 1

    def _kill_one_of_a_pool(self) -> None:
        def is_done() -> bool:
            worker = self.world.chance.choice(self.workers)
            return worker.kill_one_of_pool(self.world.chance.randrange(drainers.CONCURRENCY))

        if self.world.wait_until(is_done, 60):
            self.kills["celery pool process"] += 1

    def _kill_worker(self) -> None:
        self.world.wait_until(lambda: any(worker.is_up for worker in self.workers), 60)
        self.world.chance.choice(self.workers).kill()
        self.kills["celery worker"] += 1

    def _freeze(self) -> None:
        """Stop a process for longer than its lease; it goes on with what others have taken over."""
        loop = self.world.chance.choice(self.loops)
        assert loop.pid is not None
        os.kill(loop.pid, signal.SIGSTOP)
        self.world.fork(let_go_on, loop.pid, posts_site.LEASE * 1.4, log="freezer")
        self.freezes += 1

    # --- The end -----------------------------------------------------------------------------

    def _settle(self) -> bool:
        """Wait until nothing is open but what a person must decide; return whether it came to that."""
        self.world.say(f"all is approved, {self._left()} deliveries are open")

        def is_settled() -> bool:
            self._replace_the_dead()
            time.sleep(0.2)
            return not self._left()

        return self.world.wait_until(is_settled, _SETTLE_WITHIN)

    def _left(self) -> int:
        looked_for = Delivery.objects.filter(state=DeliveryState.UNKNOWN)
        return in_hand() + looked_for.exclude(account__network=BLIND).count()

    def _verdict(self, is_settled: bool) -> tuple[dict[str, Any], bool]:
        truth = self.networks.truth()
        seen = posts_networks.compare((KEYED, LOOKUP), truth)
        blind = posts_networks.compare((BLIND,), truth)
        lines = DeliveryAttempt.objects.filter(ended_at=None)
        begun = lines.exclude(delivery__state=DeliveryState.ARMED).count()
        kills = sum(self.kills.values())
        found = {
            "sent": seen.sent + blind.sent,
            "lost": seen.lost + blind.lost,
            "doubled": seen.doubled + blind.doubled,
            "unknown": blind.unknown,
            "unknown_and_there": blind.unknown_and_there,
            "by_network": {
                name: asdict(posts_networks.compare((name,), truth)) for name in ACCOUNTS
            },
            "lines_without_an_end": begun,
            "settled": is_settled,
            "kills": kills,
            "killed": dict(sorted(self.kills.items())),
            "freezes": self.freezes,
            "refused_saves": self.refused,
            "abandoned_in_a_row": abandoned_in_a_row(),
        }
        is_well = (
            is_settled
            and found["sent"] == POSTS * sum(ACCOUNTS.values())
            and not (found["lost"] or found["doubled"] or begun)
            and seen.unknown == 0
        )
        return found, is_well


def in_hand() -> int:
    """Return how many deliveries are due, or with a worker."""
    return Delivery.objects.filter(
        state__in=[DeliveryState.APPROVED, DeliveryState.PREPARING, DeliveryState.ARMED]
    ).count()


def abandoned_in_a_row() -> dict[int, int]:
    """Return how many deliveries were abandoned so many times in a row, at the most, before they were armed."""
    runs: dict[int, list[int]] = {}
    lines = DeliveryAttempt.objects.order_by("delivery", "began_at", "pk")
    for delivery_id, words in lines.values_list("delivery", "words"):
        mine = runs.setdefault(delivery_id, [0])
        if words == sweeping.UNSENT:
            mine[-1] += 1
        else:
            mine.append(0)
    return dict(sorted(Counter(max(mine) for mine in runs.values()).items()))


def compose(
    target: ShareTarget, accounts: Sequence[SocialAccount], number: int, *, approved: bool
) -> SocialPost:
    """Write a post of its own to each account."""
    codes = [actions.new_link_code() for _ in accounts]
    return actions.compose(
        target=target,
        wordings=[
            Wording(account.pk, f"Sleep well, {number}. {post_address(code)}", code, "en")
            for account, code in zip(accounts, codes, strict=True)
        ],
        timing=Timing(SocialPost.When.NOW),
        by=None,
        approved=approved,
    )


def publish_an_article() -> ShareTarget:
    """Publish an article, whose target posts are about."""
    home = HomePage(title="Health", slug="faults-home", introduction="In plain words.")
    Page.get_first_root_node().add_child(instance=home)
    Site.objects.all().delete()
    Site.objects.create(hostname="127.0.0.1", port=8000, root_page=home, is_default_site=True)
    article = add_article(home)
    return ShareTarget.objects.get(page_id=article.pk, block_id=None)
