"""Sending what is due: claims in batches, many requests in flight, each delivery armed and recorded by itself.

One thread speaks with the database; the others wait for networks.
"""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import F

from sharing.posting import claims, kill_points
from sharing.posting.claims import Claim, clock
from sharing.posting.jobs import Job, Sender, load
from sharing.posting.models import Delivery, DeliveryAttempt, SocialAccount
from sharing.posting.outcomes import CannotTell, Doubtful, Later, Outcome, Prepared
from sharing.posting.recording import Step, record
from sharing.posting.states import DeliveryState

logger = logging.getLogger(__name__)

# So many requests are in flight at once in one process.
IN_FLIGHT = 16

_S = DeliveryState


@dataclass(frozen=True)
class _Flight:
    """A step that is under way in another thread."""

    job: Job
    state: DeliveryState
    attempt_id: int | None = None


def send_due(sender: Sender, *, seconds: float, in_flight: int = IN_FLIGHT) -> int:
    """Send what is due and look for what is unknown; return how many steps were recorded.

    Nothing new is begun after so many seconds; what is under way is awaited, each request for as long as its
    own deadline, which is under half a lease.
    """
    ends = time.monotonic() + seconds
    recorded = 0
    flying: dict[Future[Outcome], _Flight] = {}
    with ThreadPoolExecutor(in_flight) as pool:
        while True:
            if len(flying) < in_flight and time.monotonic() < ends:
                _begin(sender, pool, flying, in_flight - len(flying))
            if not flying:
                return recorded
            landed, _ = wait(flying, return_when=FIRST_COMPLETED)
            over = []
            for future in landed:
                flight = flying.pop(future)
                over.append((flight, _outcome(future, flight.state)))
            recorded += _land(sender, pool, over, flying)


def _begin(
    sender: Sender, pool: ThreadPoolExecutor, flying: dict[Future[Outcome], _Flight], free: int
) -> None:
    now = clock()
    due, gone = load(claims.take_due(free, now))
    _give_up(gone, now)
    due = _within_budget(due, now)
    for job in due:
        kill_points.reached(kill_points.CLAIMED)
        flying[pool.submit(sender.prepare, job)] = _Flight(job, _S.PREPARING)
    if left := free - len(due):
        for job in load(claims.take_unknown(left, now))[0]:
            flying[pool.submit(sender.look_up, job)] = _Flight(job, _S.UNKNOWN)


def _land(
    sender: Sender,
    pool: ThreadPoolExecutor,
    landed: Sequence[tuple[_Flight, Outcome]],
    flying: dict[Future[Outcome], _Flight],
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
        )
        for flight, outcome in landed
        if not isinstance(outcome, Prepared)
    ]
    if over:
        kill_points.reached(kill_points.SENT)
        record(over, clock())
        kill_points.reached(kill_points.RECORDED)
    if ready:
        kill_points.reached(kill_points.PREPARED)
        armed = time.monotonic()
        for job, attempt_id in _arm(ready, clock()):
            flying[pool.submit(_publish, sender, job, armed)] = _Flight(job, _S.ARMED, attempt_id)
    return len(over)


@transaction.atomic
def _arm(jobs: Sequence[Job], now: datetime) -> list[tuple[Job, int]]:
    """Commit what is about to be sent, with a line in the ledger; return what may be."""
    for job in jobs:
        if job.prepared:
            Delivery.objects.filter(pk=job.claim.delivery_id, fence=job.claim.fence).update(
                prepared=dict(job.prepared)
            )
    may = claims.arm([job.claim for job in jobs], now)
    armed = [replace(job, armed_at=now) for job in jobs if job.claim.delivery_id in may]
    lines = DeliveryAttempt.objects.bulk_create(
        DeliveryAttempt(
            delivery_id=job.claim.delivery_id, kind=DeliveryAttempt.Kind.PUBLISH, began_at=now
        )
        for job in armed
    )
    return [(job, line.pk) for job, line in zip(armed, lines, strict=True)]


def _publish(sender: Sender, job: Job, armed: float) -> Outcome:
    kill_points.reached(kill_points.ARMED)
    # Stopped in between for so long, this process may have been given up and the post looked for.
    if time.monotonic() - armed > claims.LEASE.total_seconds() / 2:
        return Later("This process was held up before it sent anything.")
    return sender.publish(job)


# What a fault of ours leaves, by the state of the delivery: never a second post.
_BROKEN: dict[DeliveryState, Outcome] = {
    _S.PREPARING: Later("A fault on our side broke this off before it was sent. It is logged."),
    _S.ARMED: Doubtful(
        "A fault on our side broke this off. It is logged, and the post is looked for."
    ),
    _S.UNKNOWN: CannotTell("A fault on our side broke the search off. It is logged."),
}


def _outcome(future: Future[Outcome], state: DeliveryState) -> Outcome:
    try:
        return future.result()
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
    accounts = SocialAccount.objects.in_bulk({job.account_id for job in jobs})
    for account_id, account in sorted(accounts.items()):
        mine = [job for job in jobs if job.account_id == account_id]
        if account.budget is None or account.budget_until is None or account.budget_until <= now:
            allowed += mine
            continue
        few = min(account.budget, len(mine))
        # Taken before it is used: other workers see what is left.
        if few and SocialAccount.objects.filter(pk=account_id, budget__gte=few).update(
            budget=F("budget") - few
        ):
            allowed += mine[:few]
            mine = mine[few:]
        beyond += [(job, account.budget_until) for job in mine]
    if beyond:
        record(
            [
                Step(
                    job.claim, job.account_id, _S.PREPARING, job.tries,
                    Later("The network takes no more for now.", until=until),
                )
                for job, until in beyond
            ],
            now,
        )  # fmt: skip
    return allowed
