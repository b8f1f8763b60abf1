"""Sending what is due: claims in batches, many requests in flight, each delivery armed and recorded by itself.

One thread speaks with the database; the others wait for networks.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.db import DatabaseError, transaction
from django.db.models import F

from sharing.posting import claims, kill_points
from sharing.posting.claims import Claim, clock
from sharing.posting.jobs import Job, Sender, load
from sharing.posting.models import Delivery, DeliveryAttempt, SocialAccount
from sharing.posting.outcomes import Deferred, Doubtful, Later, Outcome, Prepared
from sharing.posting.recording import Step, begin_lines, record
from sharing.posting.states import DeliveryState

logger = logging.getLogger(__name__)

# So many requests are in flight at once in one process.
IN_FLIGHT = 32
# Answers that come within so many seconds of each other are written down together.
_GATHER = 0.01
# A part of the lease: what is not sent so long after it was armed is not sent at all. Together with the time that
# one request may take it ends long before others look for the post.
_SENT_WITHIN = 0.25
# A part of the time for all, after it: for what workers ended over, however much else there is.
_FOR_THE_ABANDONED = 0.25

_S = DeliveryState
_Outcome = TypeVar("_Outcome", bound=Outcome | None)


@dataclass(frozen=True)
class _Flight:
    """A step that is under way in another thread."""

    job: Job
    state: DeliveryState
    attempt_id: int | None = None


@dataclass(frozen=True)
class _Moment:
    """A look at the database's clock, and when on this machine's that was.

    What the database keeps others waiting for does not count: it is later by then than both say.
    """

    monotonic: float
    now: datetime

    @classmethod
    def look(cls) -> "_Moment":
        return cls(time.monotonic(), clock())

    @property
    def send_before(self) -> float:
        """Return until when, by this machine's clock, may be sent what is armed at this moment."""
        return self.monotonic + claims.LEASE.total_seconds() * _SENT_WITHIN


def send_due(sender: Sender, *, seconds: float, in_flight: int = IN_FLIGHT) -> int:
    """Send what is due and look for what is unknown; return how many steps were recorded.

    Nothing new is begun after so many seconds; what is under way is awaited, each request for as long as its
    own deadline, which is under half a lease. What workers ended over comes last, one at a time, with nothing else in
    hand: after each one the others are looked after again. It has a quarter more of time where these never end.
    """
    ends = time.monotonic() + seconds
    recorded = 0
    with ThreadPoolExecutor(in_flight) as pool:
        while True:
            recorded += _send(sender, pool, ends, in_flight)
            if time.monotonic() >= ends + seconds * _FOR_THE_ABANDONED:
                return recorded
            if (alone := _send_abandoned(sender, pool)) is None:
                return recorded
            recorded += alone


def _send(sender: Sender, pool: ThreadPoolExecutor, ends: float, in_flight: int) -> int:
    """Send what is due, and look for what is unknown, until nothing is left or that moment has come."""
    # More are claimed than can be asked for at once, so that no thread waits for the database.
    held = 2 * in_flight if in_flight > 1 else 1
    recorded = 0
    flying: dict[Future[Outcome], _Flight] = {}
    moment = _Moment.look()
    while True:
        if len(flying) <= held - in_flight and time.monotonic() < ends:
            recorded += _begin(sender, pool, flying, held - len(flying), moment)
        if not flying:
            return recorded
        landed, moment = _wait_and_land(sender, pool, flying)
        recorded += landed


def _send_abandoned(sender: Sender, pool: ThreadPoolExecutor) -> int | None:
    """Send one delivery that workers ended over; return how many steps were recorded, None where there is none."""
    flying: dict[Future[Outcome], _Flight] = {}
    moment = _Moment.look()
    taken = claims.take_abandoned(moment.now)
    if not taken:
        return None
    recorded = _prepare(sender, pool, taken, flying, moment)
    while flying:
        recorded += _wait_and_land(sender, pool, flying)[0]
    return recorded


def _wait_and_land(
    sender: Sender, pool: ThreadPoolExecutor, flying: dict[Future[Outcome], _Flight]
) -> tuple[int, _Moment]:
    """Wait until something lands; return how many steps were recorded, and the moment that was looked at."""
    over = []
    for future in _landed(flying):
        flight = flying.pop(future)
        over.append((flight, _outcome(future.result, flight.state)))
    moment = _Moment.look()
    return _land(sender, pool, over, flying, moment), moment


def _landed(flying: Iterable[Future[Outcome]]) -> set[Future[Outcome]]:
    """Wait for one, and for a moment for those that are nearly there."""
    landed, others = wait(flying, return_when=FIRST_COMPLETED)
    return landed | wait(others, timeout=_GATHER).done if others else landed


def _begin(
    sender: Sender,
    pool: ThreadPoolExecutor,
    flying: dict[Future[Outcome], _Flight],
    free: int,
    moment: _Moment,
) -> int:
    now = moment.now
    taken = claims.take_due(free, now)
    recorded = _prepare(sender, pool, taken, flying, moment)
    if (left := free - len(taken)) and (taken := claims.take_unknown(left, now)):
        for job in _load(taken, _S.UNKNOWN, now)[0]:
            flying[pool.submit(sender.look_up, job)] = _Flight(job, _S.UNKNOWN)
    return recorded


def _prepare(
    sender: Sender,
    pool: ThreadPoolExecutor,
    taken: Sequence[Claim],
    flying: dict[Future[Outcome], _Flight],
    moment: _Moment,
) -> int:
    now = moment.now
    due: list[Job] = []
    if taken:
        due, gone = _load(taken, _S.PREPARING, now)
        _give_up(gone, now)
        due = _within_budget(due, now)
    at_once: list[tuple[_Flight, Outcome]] = []
    for job in due:
        kill_points.reached(kill_points.CLAIMED)
        flight = _Flight(job, _S.PREPARING)
        # What asks nobody is not worth another thread, nor another look at the database.
        if (prepared := _outcome(partial(sender.prepare_at_once, job), _S.PREPARING)) is not None:
            at_once.append((flight, prepared))
        else:
            flying[pool.submit(sender.prepare, job)] = flight
    return _land(sender, pool, at_once, flying, moment)


def _load(
    taken: Sequence[Claim], state: DeliveryState, now: datetime
) -> tuple[list[Job], list[Claim]]:
    """Do what `load` does; one that our own code cannot read keeps no other back."""
    try:
        return load(taken)
    except DatabaseError:
        raise
    except Exception:
        logger.exception("one of %s deliveries cannot be read", len(taken))
    jobs: list[Job] = []
    gone: list[Claim] = []
    broken: list[Claim] = []
    for claim in taken:
        try:
            one, without_a_page = load([claim])
        except DatabaseError:
            raise
        except Exception:  # noqa: BLE001 - the first of them is in the log
            broken.append(claim)
        else:
            jobs += one
            gone += without_a_page
    rows = Delivery.objects.in_bulk([claim.delivery_id for claim in broken])
    record(
        [
            Step(claim, row.account_id, state, row.tries, _BROKEN[state], armed_at=row.armed_at)
            for claim in broken
            if (row := rows.get(claim.delivery_id))
        ],
        now,
    )
    return jobs, gone


def _land(
    sender: Sender,
    pool: ThreadPoolExecutor,
    landed: Sequence[tuple[_Flight, Outcome]],
    flying: dict[Future[Outcome], _Flight],
    moment: _Moment,
) -> int:
    ready = [
        replace(flight.job, prepared=outcome.values)
        for flight, outcome in landed
        if isinstance(outcome, Prepared)
    ]
    over = [
        Step(
            claim=flight.job.claim,
            account_id=flight.job.account_id,
            before=flight.state,
            tries=flight.job.tries,
            outcome=outcome,
            attempt_id=flight.attempt_id,
            armed_at=flight.job.armed_at,
        )
        for flight, outcome in landed
        if not isinstance(outcome, Prepared)
    ]
    # What is ready first: the threads send it while the rest is written down.
    if ready:
        kill_points.reached(kill_points.PREPARED)
        for job, attempt_id in _arm(ready, moment.now, moment.send_before):
            flying[pool.submit(_publish, sender, job)] = _Flight(job, _S.ARMED, attempt_id)
    if over:
        kill_points.reached(kill_points.SENT)
        record(over, moment.now)
        kill_points.reached(kill_points.RECORDED)
    return len(over)


@transaction.atomic
def _arm(jobs: Sequence[Job], now: datetime, send_before: float) -> list[tuple[Job, int]]:
    """Commit what is about to be sent, with a line in the ledger; return what may be."""
    requests = {job.claim: job.prepared for job in jobs if job.prepared}
    may = claims.arm([job.claim for job in jobs], now, requests)
    lines = begin_lines([claim.delivery_id for claim in may], now)
    return [
        (replace(job, armed_at=now, send_before=send_before), lines[job.claim.delivery_id])
        for job in jobs
        if job.claim in may
    ]


def _publish(sender: Sender, job: Job) -> Outcome:
    kill_points.reached(kill_points.ARMED)
    # Stopped in between for long, this process may have been given up and the post looked for.
    if job.is_too_late:
        return Later("This process was held up before it sent anything.")
    return sender.publish(job)


# What a fault of ours leaves, by the state of the delivery: never a second post.
_BROKEN: dict[DeliveryState, Outcome] = {
    _S.PREPARING: Later("A fault on our side broke this off before it was sent. It is logged."),
    _S.ARMED: Doubtful(
        "A fault on our side broke this off. It is logged, and the post is looked for."
    ),
    _S.UNKNOWN: Later("A fault on our side broke the search off. It is logged."),
}


def _outcome(step: Callable[[], _Outcome], state: DeliveryState) -> _Outcome | Outcome:
    try:
        return step()
    except Exception:
        logger.exception("a step of a delivery failed in our own code")
        return _BROKEN[state]


@transaction.atomic
def _give_up(gone: Sequence[Claim], now: datetime) -> None:
    """Cancel what has no page any more, and say so."""
    words = "The page was unpublished or deleted before this could be sent."
    for claim in gone:
        cancelled = Delivery.objects.filter(
            pk=claim.delivery_id, fence=claim.fence, state=_S.PREPARING
        ).update(
            state=_S.CANCELLED, problem=words, lease_until=None, not_before=None, changed_at=now
        )
        if cancelled:
            DeliveryAttempt.objects.create(
                delivery_id=claim.delivery_id,
                kind=DeliveryAttempt.Kind.PREPARE,
                began_at=now,
                ended_at=now,
                led_to=_S.CANCELLED,
                words=words,
            )


def _within_budget(jobs: list[Job], now: datetime) -> list[Job]:
    """Return as many jobs of each account as its network still takes; give the others back for later."""
    allowed: list[Job] = []
    beyond: list[tuple[Job, datetime]] = []
    for account_id in sorted({job.account_id for job in jobs}):
        mine = [job for job in jobs if job.account_id == account_id]
        budget = mine[0].budget
        if budget is None or budget.until <= now:
            allowed += mine
            continue
        few = min(budget.left, len(mine))
        # Taken before it is used: other workers see what is left.
        if few and SocialAccount.objects.filter(pk=account_id, budget__gte=few).update(
            budget=F("budget") - few
        ):
            allowed += mine[:few]
            mine = mine[few:]
        beyond += [(job, budget.until) for job in mine]
    if beyond:
        record(
            [
                Step(
                    job.claim, job.account_id, _S.PREPARING, job.tries,
                    Deferred("The network takes no more for now.", until=until),
                )
                for job, until in beyond
            ],
            now,
        )  # fmt: skip
    return allowed
