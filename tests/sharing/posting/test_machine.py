"""Whatever happens in whatever order, one delivery is one post at most: a Hypothesis state machine.

Workers are real code without their threads: claims, arming, sending and recording are steps that may be far apart,
and end at any of them. The network is a plain model that knows what it holds.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from unittest import mock

import pytest
from django.conf import settings as site
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sharing.models import Delivery, DeliveryAttempt, ShareTarget, SocialAccount, SocialPost
from sharing.posting import (
    actions,
    claims,
    engine,
    jobs,
    kill_points,
    pages,
    patience,
    recording,
    sweeping,
)
from sharing.posting.actions import NotNow, Timing, Wording
from sharing.posting.claims import LEASE
from sharing.posting.jobs import Job
from sharing.posting.outcomes import (
    Absent,
    AccessLost,
    CannotTell,
    Doubtful,
    Later,
    Outcome,
    Prepared,
    Published,
    Refused,
)
from sharing.posting.recording import Step
from sharing.posting.states import DeliveryState, may_follow
from sharing.shareables import Shareable, State

pytestmark = pytest.mark.django_db
S = DeliveryState

EXAMPLES = int(os.environ.get("POST_MACHINE_EXAMPLES") or 25)
STEPS = int(os.environ.get("POST_MACHINE_STEPS") or 40)
# A later run is another one, where it is wanted.
IS_RANDOM = "POST_MACHINE_RANDOM" in os.environ

BEGINNING = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
# A request that is under way in a network is over after so long; it shows itself by then, or never.
SETTLES = timedelta(seconds=60)
KEYED, LOOKUP, BLIND = "keyed", "lookup", "blind"
WORKERS = (0, 1)
MOST_DELIVERIES = 6

# What a network does with a post, and what it says.
TAKES = ("takes it", "takes it")
SAYS_NOTHING = ("takes it and says nothing", "says nothing and takes it later", "loses it")
REFUSES = ("refuses it", "asks to wait", "knows the account no more")
# A fault of our own, before anything is sent.
OURS = ("breaks off while it is prepared",)
# So many tries are the last one's number here; nobody waits for two days.
MOST_TRIES = 3
# Abandoned so often in a row, a delivery has failed; a machine of forty steps gets there by chance, too.
MOST_ABANDONED = 4

EDITORS_DO = (
    "approve", "approve", "withdraw_the_approval", "cancel", "send_now", "send_now", "send_with_the_page",
    "send_later", "try_again", "a_person_looks", "a_person_looks",
)  # fmt: skip


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Network:
    """A network in memory: what it holds, and what is still under way in it."""

    monotonic: float = 0.0
    held: Counter[str] = field(default_factory=Counter)
    keys: dict[str, str] = field(default_factory=dict)
    # Link code, key, and the moment until which it may come.
    under_way: list[tuple[str, str, float]] = field(default_factory=list)
    # What must not be sent any more.
    forbidden: set[str] = field(default_factory=set)
    manner: str = "takes it"
    now: datetime = BEGINNING
    made: int = 0
    # What kills every worker that prepares it.
    deadly: set[str] = field(default_factory=set)
    # What was sent though its page was gone before it was armed.
    wrong: list[str] = field(default_factory=list)

    def prepare(self, job: Job) -> Outcome:
        """Fix a key once a delivery."""
        if _code(job) in self.deadly:
            raise Killed
        if self.manner in OURS:
            raise OSError(28, "No space left on device")
        self.made += 1
        return Prepared(values=dict(job.prepared) or {"key": f"key {self.made}"})

    def prepare_at_once(self, job: Job) -> Outcome | None:
        """Do so for each other one."""
        return self.prepare(job) if job.claim.delivery_id % 2 else None

    def publish(self, job: Job) -> Outcome:
        """Do what the manner says."""
        code, key = _code(job), job.prepared["key"]
        self.wrong += [code] if code in self.forbidden else []
        match self.manner:
            case "takes it":
                self.take(job.account.network, code, key)
                return Published("Taken.", None, code, f"https://social.example/{code}")
            case "takes it and says nothing":
                self.take(job.account.network, code, key)
                return Doubtful("No answer.")
            case "says nothing and takes it later":
                until = self.monotonic + SETTLES.total_seconds()
                self.under_way.append((f"{job.account.network} {code}", key, until))
                return Doubtful("No answer.")
            case "loses it":
                return Doubtful("No answer.")
            case "refuses it":
                return Refused("Not like this.")
            case "asks to wait":
                return Later("Too many posts.", until=self.now + SETTLES, everybody=True)
            case "knows the account no more":
                return AccessLost("The access was revoked.")
        raise AssertionError(self.manner)

    def look_up(self, job: Job) -> Outcome:
        """Search, where that is possible."""
        if job.account.network == BLIND:
            return CannotTell("It cannot be searched.")
        if self.held[_code(job)]:
            return Published("Found.", None, _code(job), f"https://social.example/{_code(job)}")
        assert job.armed_at is not None
        if (settled := job.armed_at + SETTLES) > self.now:
            return CannotTell("It may still be under way.", until=settled)
        return Absent("It is not there.")

    def take(self, network: str, code: str, key: str) -> None:
        """Hold a post; a network with keys knows its own again."""
        if network == KEYED and self.keys.get(key) == code:
            return
        self.keys[key] = code
        self.held[code] += 1

    def let_arrive(self, which: int) -> None:
        """Let one of those that are under way arrive."""
        name, key, _ = self.under_way.pop(which % len(self.under_way))
        network, _, code = name.partition(" ")
        self.take(network, code, key)


@dataclass
class Worker:
    """A process: what it has in hand, by how far it is."""

    claimed: list[Job] = field(default_factory=list)
    armed: list[tuple[Job, int]] = field(default_factory=list)
    answered: list[Step] = field(default_factory=list)


class PostMachine(RuleBasedStateMachine):
    """Accounts on three networks, two workers, editors, a page, and clocks."""

    targets: tuple[int, ...]
    accounts: tuple[int, ...]
    # In all runs of the machine, by network.
    given_up: ClassVar[Counter[str]] = Counter()
    ended_workers: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self._site = transaction.atomic()
        self._site.__enter__()
        self.network = Network()
        # How far the wall clock is from where the monotonic one is.
        self.step = timedelta()
        self.workers = {number: Worker() for number in WORKERS}
        self.is_live = True
        places = [claims, engine, actions, sweeping]
        self._patches: list[Any] = [
            *(mock.patch.object(place, "clock", lambda: self.network.now) for place in places),
            mock.patch.object(jobs, "time", _Clock(self.network)),
            mock.patch.object(engine, "time", _Clock(self.network)),
            mock.patch.object(jobs, "shareables", self._shareables),
            mock.patch.object(patience, "MOST_TRIES", MOST_TRIES),
            mock.patch.object(sweeping, "_MOST_ABANDONED", MOST_ABANDONED),
        ]
        for patch in self._patches:
            patch.start()

    def teardown(self) -> None:
        try:
            self._everybody_is_well_again()
        finally:
            for patch in self._patches:
                patch.stop()
            transaction.set_rollback(True)
            self._site.__exit__(None, None, None)

    @initialize(to=st.lists(st.sampled_from(range(3)), min_size=2, max_size=4))
    def begin(self, to: list[int]) -> None:
        for each in to:
            self.compose(each, approved=True, when="now")

    # --- Editors -----------------------------------------------------------------------------

    @precondition(lambda self: self._count() < MOST_DELIVERIES)
    @rule(
        to=st.sampled_from(range(3)),
        approved=st.sampled_from([True, True, False]),
        when=st.sampled_from(["now", "now", "now", "publish", "later"]),
    )
    def compose(self, to: int, approved: bool, when: str) -> None:
        code = actions.new_link_code()
        actions.compose(
            target=ShareTarget.objects.get(pk=self.targets[0]),
            wordings=[Wording(self.accounts[to], f"Sleep well. {code}", code)],
            timing=self._timing(when),
            by=None,
            approved=approved,
        )

    @rule(what=st.sampled_from(EDITORS_DO), which=st.integers(0, 20))
    def edit(self, what: str, which: int) -> None:
        """An editor, or a publisher, does something with one of the posts, if it is there."""
        getattr(self, what)(which)

    def approve(self, which: int) -> None:
        if delivery := self._pick(which, S.DRAFT):
            actions.approve(post=delivery.post, by=None)

    def withdraw_the_approval(self, which: int) -> None:
        if delivery := self._pick(which):
            actions.withdraw_approval(post=delivery.post, by="an editor")

    def cancel(self, which: int) -> None:
        if delivery := self._pick(which, S.DRAFT, S.APPROVED, S.PREPARING, S.ARMED, S.FAILED):
            with suppress(NotNow):
                actions.cancel(delivery=delivery, why="An editor cancelled it.")

    def send_now(self, which: int) -> None:
        self._reschedule(which, "now")

    def send_with_the_page(self, which: int) -> None:
        self._reschedule(which, "publish")

    def send_later(self, which: int) -> None:
        self._reschedule(which, "later")

    def _reschedule(self, which: int, when: str) -> None:
        if delivery := self._pick(which):
            with suppress(NotNow):
                actions.reschedule(post=delivery.post, timing=self._timing(when))

    def try_again(self, which: int) -> None:
        if delivery := self._pick(which, S.FAILED):
            actions.try_again(delivery=delivery, by="an editor")

    def a_person_looks(self, which: int) -> None:
        """Say what is true of an unknown one, once nothing of it can be under way."""
        delivery = self._pick(which, S.UNKNOWN)
        if delivery is None or self._is_under_way(delivery):
            return
        code = delivery.link_code
        if self.network.held[code]:
            actions.it_is_there(
                delivery=delivery, remote_id=code, permalink="https://social.example/", by="Ann"
            )
        else:
            actions.send_again(delivery=delivery, by="Ann")

    # --- The page ----------------------------------------------------------------------------

    @rule(what=st.sampled_from(["down", "up", "up", "up"]))
    def publish_or_take_down(self, what: str) -> None:
        """The page is published again, which lets out what waits for it, or is taken down."""
        SocialAccount.objects.update(state=SocialAccount.State.ACTIVE, silent_until=None)
        if what == "up":
            self.is_live = True
            pages.published(page_id=1, block_ids=[])
        elif self.is_live:
            self._take_the_page_down()

    def _take_the_page_down(self) -> None:
        waiting = Delivery.objects.filter(state__in=[S.DRAFT, S.APPROVED, S.PREPARING])
        self.network.forbidden |= set(waiting.values_list("link_code", flat=True))
        self.is_live = False
        pages.taken_down(page_id=1, why="The page was unpublished.")

    # --- Workers, a step at a time -----------------------------------------------------------

    @rule(
        who=st.sampled_from(WORKERS),
        until=st.sampled_from(["claimed", "armed", "sent"]),
        by=st.sampled_from(["claimed", "armed", "sent", "recorded"]),
        manner=st.sampled_from([*TAKES, *SAYS_NOTHING, *REFUSES]),
        others_manner=st.sampled_from([*TAKES, *SAYS_NOTHING, *REFUSES]),
    )
    def be_overtaken(self, who: int, until: str, by: str, manner: str, others_manner: str) -> None:
        """A worker stands still beyond its lease; another one takes over, and both go on some time."""
        self.work(who, until, manner, 2)
        self._let_pass(LEASE.seconds + 1)
        sweeping.release_abandoned()
        other = 1 - who
        self.look(other)
        self.record(other)
        self.work(other, by, others_manner, 3)

    @rule(
        who=st.sampled_from(WORKERS),
        what=st.sampled_from(["arm", "send", "record", "look", "die", "claim"]),
        manner=st.sampled_from([*TAKES, *SAYS_NOTHING, *REFUSES]),
    )
    def go_on(self, who: int, what: str, manner: str) -> None:
        """A worker takes the next step, or dies: nothing of what it had in hand is written any more."""
        match what:
            case "claim":
                self.claim(who, 2)
            case "send":
                self.send(who, manner)
            case "die":
                self.workers[who] = Worker()
            case _:
                getattr(self, what)(who)

    def claim(self, who: int, number: int) -> None:
        now = self.network.now
        # What a worker ended over is nobody's beside others.
        claimed = claims.take_due(number, now) or claims.take_abandoned(now)
        taken, gone = jobs.load(claimed)
        engine._give_up(gone, self.network.now)
        self.workers[who].claimed += engine._within_budget(taken, self.network.now)

    @rule(
        who=st.sampled_from(WORKERS),
        until=st.sampled_from(["claimed", "armed", "armed", "sent", "sent", "recorded"]),
        manner=st.sampled_from([*TAKES, *SAYS_NOTHING, *REFUSES]),
        number=st.integers(1, 3),
    )
    def work(self, who: int, until: str, manner: str, number: int) -> None:
        """Take some deliveries through several steps, and stop there."""
        self.claim(who, number)
        if until != "claimed":
            self.arm(who)
        if until in {"sent", "recorded"}:
            for _ in range(number):
                self.send(who, manner)
        if until == "recorded":
            self.record(who)

    def arm(self, who: int) -> None:
        worker = self.workers[who]
        claimed, worker.claimed = worker.claimed, []
        try:
            ready = [
                replace(job, prepared=outcome.values)
                for job in claimed
                if isinstance(outcome := self.network.prepare(job), Prepared)
            ]
        except Killed:
            self.workers[who] = Worker()
            return
        before = self.network.monotonic + LEASE.total_seconds() * engine._SENT_WITHIN
        worker.armed += engine._arm(ready, self.network.now, before)

    def send(self, who: int, manner: str) -> None:
        worker = self.workers[who]
        if not worker.armed:
            return
        job, line = worker.armed.pop(0)
        self.network.manner = manner
        outcome = engine._publish(self.network, job)
        worker.answered.append(Step(job.claim, job.account_id, S.ARMED, job.tries, outcome, line))

    def look(self, who: int) -> None:
        for job in jobs.load(claims.take_unknown(4, self.network.now))[0]:
            outcome = self.network.look_up(job)
            self.workers[who].answered.append(
                Step(job.claim, job.account_id, S.UNKNOWN, job.tries, outcome)
            )

    def record(self, who: int) -> None:
        steps, self.workers[who].answered = self.workers[who].answered, []
        if steps:
            recording.record(steps, self.network.now)

    # --- Workers, whole ----------------------------------------------------------------------

    @rule(manner=st.sampled_from([*TAKES, *SAYS_NOTHING, *REFUSES, *OURS]))
    def run(self, manner: str) -> None:
        self.network.manner = manner
        with suppress(Killed):
            engine.send_due(self.network, seconds=1, in_flight=2)
        # Steps of workers prepare in no manner.
        self.network.manner = "takes it"

    @rule(manner=st.sampled_from(["loses it", "asks to wait", *OURS]))
    def fail_for_long(self, manner: str) -> None:
        """A network that is away, or a fault of ours, while back-offs pass."""
        for _ in range(MOST_TRIES):
            self._let_pass(20_000)
            SocialAccount.objects.update(state=SocialAccount.State.ACTIVE, silent_until=None)
            self.run(manner)
        self._note_what_was_given_up()

    def _note_what_was_given_up(self) -> None:
        given_up = Delivery.objects.filter(state=S.FAILED, problem__startswith="Given up")
        for row in given_up.select_related("account"):
            assert row.tries >= MOST_TRIES, "a person's try begins anew"
            self.given_up[row.account.network] += 1

    @rule(which=st.integers(0, 20))
    def become_deadly(self, which: int) -> None:
        """A post kills whoever prepares it, until it has failed; all others go out meanwhile."""
        delivery = self._pick(which, S.APPROVED)
        if delivery is None or not self.is_live or delivery.not_before is None:
            return
        self.network.deadly.add(delivery.link_code)
        waited = set(
            Delivery.objects.due(self.network.now)
            .exclude(pk=delivery.pk)
            .values_list("pk", flat=True)
        )
        for _ in range(MOST_ABANDONED + 1):
            # Beyond the lease of the one that died, the accounts' silence, and every back-off.
            self._let_pass(20_000)
            SocialAccount.objects.update(state=SocialAccount.State.ACTIVE, silent_until=None)
            sweeping.release_abandoned()
            self.run("takes it")
        delivery.refresh_from_db()
        assert delivery.state == S.FAILED, delivery.state
        assert not self.network.held[delivery.link_code], "it was never prepared, and is there"
        left = Delivery.objects.filter(pk__in=waited, state__in=[S.APPROVED, S.PREPARING, S.ARMED])
        assert not left.exists(), "it kept another one back"
        self.ended_workers[S.FAILED] += delivery.problem.startswith("Preparing this ended")
        self.network.deadly.clear()

    @rule(
        point=st.sampled_from(kill_points.ALL),
        call=st.integers(1, 3),
        manner=st.sampled_from([*TAKES, *SAYS_NOTHING]),
    )
    def run_killed(self, point: str, call: int, manner: str) -> None:
        """A worker is killed when it reaches a point for the first, second or third time."""
        self.network.manner = manner
        with _killed_at(point, call), suppress(Killed):
            engine.send_due(self.network, seconds=1, in_flight=2)

    @rule()
    def sweep(self) -> None:
        sweeping.release_abandoned()

    # --- Time --------------------------------------------------------------------------------

    @rule(
        seconds=st.sampled_from([1, 10, 29, 31, 61, 119, 121, 240, 4000]),
        step=st.sampled_from([0, 0, 0, -3600, 3600, 86_400]),
    )
    def wait(self, seconds: int, step: int) -> None:
        """Let time pass, and set the clock: on only while no request is under way, or nobody could tell."""
        self._let_pass(seconds)
        busy = self.network.under_way or any(worker.armed for worker in self.workers.values())
        if step < 0 or not busy:
            self.step += timedelta(seconds=step)
            self._let_pass(0)

    @precondition(lambda self: self.network.under_way)
    @rule(which=st.integers(0))
    def arrive(self, which: int) -> None:
        self.network.let_arrive(which)

    # --- What always holds -------------------------------------------------------------------

    @invariant()
    def no_delivery_is_two_posts(self) -> None:
        assert max(self.network.held.values(), default=0) <= 1

    @invariant()
    def what_is_called_published_is_there(self) -> None:
        published = Delivery.objects.filter(state=S.PUBLISHED).values_list("link_code", flat=True)
        assert all(self.network.held[code] for code in published)

    @invariant()
    def nothing_is_armed_whose_page_is_gone(self) -> None:
        assert self.network.wrong == []

    @invariant()
    def only_drawn_ways_were_taken(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT before, after FROM test_ways")
            ways = {(S(before), S(after)) for before, after in cursor.fetchall()}
            cursor.execute("DELETE FROM test_ways")
        assert {way for way in ways if not may_follow(*way)} == set()

    # --- The end -----------------------------------------------------------------------------

    def _everybody_is_well_again(self) -> None:
        """Let time pass, with workers that live and a network that answers: nothing is left over."""
        self.workers = {number: Worker() for number in WORKERS}
        self.network.manner = "takes it"
        SocialAccount.objects.update(state=SocialAccount.State.ACTIVE, silent_until=None)
        for _ in range(6):
            # Beyond every back-off, every lease, and what the clock was set back by.
            self._let_pass(20_000)
            sweeping.release_abandoned()
            engine.send_due(self.network, seconds=1, in_flight=2)
            self.no_delivery_is_two_posts()
            self.what_is_called_published_is_there()
        self.only_drawn_ways_were_taken()
        for row in Delivery.objects.select_related("account"):
            there = self.network.held[row.link_code]
            told = f"{row.account.network}: {row.state}, there {there} times"
            match S(row.state):
                case S.PUBLISHED:
                    assert there == 1, told
                case S.UNKNOWN:
                    assert row.account.network == BLIND, told
                case S.APPROVED:
                    assert row.not_before is None or row.not_before > self.network.now, told
                    assert not there, told
                case S.DRAFT | S.FAILED:
                    assert not there, told
                case S.CANCELLED:
                    # Nobody cancels an unknown one here.
                    assert not there, told
                case _:
                    raise AssertionError(told)
        open_lines = DeliveryAttempt.objects.filter(ended_at=None)
        assert not open_lines.exists(), "a line of the ledger has no end"

    def _let_pass(self, seconds: int) -> None:
        self.network.monotonic += seconds
        self.network.now = BEGINNING + timedelta(seconds=self.network.monotonic) + self.step
        late = [each for each in self.network.under_way if each[2] < self.network.monotonic]
        for each in late:
            self.network.let_arrive(self.network.under_way.index(each))

    def _timing(self, when: str) -> Timing:
        if when == "later":
            local = (self.network.now + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
            return Timing(SocialPost.When.AT_TIME, local, "Europe/Berlin")
        chosen = SocialPost.When.NOW if when == "now" else SocialPost.When.AT_PUBLISH
        return Timing(chosen)

    def _pick(self, which: int, *states: DeliveryState) -> Delivery | None:
        rows = Delivery.objects.select_related("post").order_by("pk")
        found = list(rows.filter(state__in=states) if states else rows)
        return found[which % len(found)] if found else None

    def _count(self) -> int:
        return Delivery.objects.count()

    def _is_under_way(self, delivery: Delivery) -> bool:
        codes = {name.partition(" ")[2] for name, _, _ in self.network.under_way}
        armed = {
            job.claim.delivery_id
            for worker in self.workers.values()
            for job, _ in worker.armed
            if not job.is_too_late
        }
        return delivery.link_code in codes or delivery.pk in armed

    def _shareables(self, targets: Any) -> dict[int, Shareable]:
        state = State.LIVE if self.is_live else State.HIDDEN
        return {each.pk: Shareable(each, state, "Sleep", "", "", "", "") for each in targets}


class _Clock:
    """The module `time`, as far as the engine asks it."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def monotonic(self) -> float:
        return self._network.monotonic


def _code(job: Job) -> str:
    return job.post.link.rstrip("/").rpartition("/")[2]


@contextmanager
def _killed_at(point: str, call: int) -> Iterator[None]:
    left = {"calls": call}

    def reached(name: str) -> None:
        if name == point:
            left["calls"] -= 1
            if left["calls"] <= 0:
                raise Killed

    with mock.patch.object(site, "KILL_POINTS", reached):
        yield


def _write_down_every_way() -> None:
    """Have the database itself note each change of a state, whoever makes it."""
    noted = "INSERT INTO test_ways (before, after) VALUES (OLD.state, NEW.state)"
    changed = "AFTER UPDATE OF state ON sharing_delivery FOR EACH ROW WHEN (OLD.state <> NEW.state)"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_ways (before text, after text)")
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE FUNCTION test_note_way() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN {noted}; RETURN NEW; END $$"
            )
            cursor.execute(f"CREATE TRIGGER test_way {changed} EXECUTE FUNCTION test_note_way()")
        else:
            cursor.execute(f"CREATE TRIGGER test_way {changed} BEGIN {noted}; END")


def test_one_delivery_is_one_post_whatever_happens(db: None) -> None:
    target = ShareTarget.objects.create(page_id=1, label="Sleep")
    accounts = [
        SocialAccount.objects.create(
            network=network, host="social.example", remote_id=network, handle=network
        )
        for network in (KEYED, LOOKUP, BLIND)
    ]
    _write_down_every_way()

    PostMachine.targets = (target.pk,)
    PostMachine.accounts = tuple(account.pk for account in accounts)
    run_state_machine_as_test(
        PostMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=not IS_RANDOM,
            # Making a failure small takes minutes; its steps are few already.
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
    assert PostMachine.given_up, "the end of trying was never reached"
    assert PostMachine.ended_workers, "no post ended its workers"
