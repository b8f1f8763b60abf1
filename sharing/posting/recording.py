"""Writing down what came of a step: each delivery by its own fence, many in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from sharing.posting import patience
from sharing.posting.claims import Claim
from sharing.posting.models import DeliveryAttempt, SocialAccount
from sharing.posting.outcomes import (
    Absent,
    AccessLost,
    Budget,
    CannotTell,
    Deferred,
    Done,
    Doubtful,
    Later,
    Outcome,
    Published,
    Refused,
)
from sharing.posting.states import DeliveryState, may_follow
from sharing.posting.value_lists import as_table

# An account that cannot be reached is left alone for so long, by its failures in a row.
BREAK = tuple(timedelta(seconds=s) for s in (5, 10, 30, 60, 300, 600))
# So many requests may be swallowed before the next one waits.
_SWALLOWED = 5

_S = DeliveryState


@dataclass(frozen=True)
class Step:
    """One step that is over: whose, from which state, and what came of it."""

    claim: Claim
    account_id: int
    before: DeliveryState
    # How often it was tried before this step, since a person last decided.
    tries: int
    outcome: Outcome
    # Its line in the ledger, where it has one already.
    attempt_id: int | None = None
    # When what is looked for may have been sent.
    armed_at: datetime | None = None


@dataclass(frozen=True)
class _Change:
    after: DeliveryState
    not_before: datetime | None
    problem: str
    remote_id: str = ""
    permalink: str = ""
    published_at: datetime | None = None
    # Until then the network may have been asked: what is not there long after it, will not come.
    settles_from: datetime | None = None
    # Tries that arming has not counted.
    tried: int = 0
    # Whether it was prepared, and the worker lived through that.
    is_harmless: bool = True


@transaction.atomic
def record(steps: Sequence[Step], now: datetime) -> set[Claim]:
    """Write down what came of steps, and return the claims that still held.

    The others were claimed or decided by somebody else since; of them only the ledger is told.
    """
    changes = {step.claim: _change(step, now) for step in steps}
    for step in steps:
        after = changes[step.claim].after
        if after is not step.before and not may_follow(step.before, after):
            raise AssertionError(f"{step.before} cannot become {after}")
    written = _write(steps, changes, now)
    _note(steps, changes, written, now)
    _tell_accounts(steps, now)
    return written


def begin_lines(delivery_ids: Collection[int], now: datetime) -> dict[int, int]:
    """Begin a line in the ledger of each delivery that is about to be sent; return the lines' ids by delivery."""
    if not delivery_ids:
        return {}
    begun, values = as_table("begun", {"id": "bigint"}, [(each,) for each in sorted(delivery_ids)])
    statement = f"""
    {begun}
    INSERT INTO sharing_deliveryattempt (delivery_id, kind, began_at, led_to, words)
    SELECT begun.id, '{DeliveryAttempt.Kind.PUBLISH.value}', %s, '', '' FROM begun
    RETURNING delivery_id, id
    """  # noqa: S608 - placeholders and our own constants alone are put into the statement
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, _moment(now)])
        return dict(cursor.fetchall())


def _change(step: Step, now: datetime) -> _Change:
    outcome = step.outcome
    match outcome:
        case Published():
            return _Change(_S.PUBLISHED, None, "", outcome.remote_id, outcome.permalink, now)
        case Refused():
            return _Change(_S.FAILED, None, outcome.words)
        case AccessLost() if step.before is _S.UNKNOWN:
            return _Change(_S.UNKNOWN, now, outcome.words)
        case AccessLost():
            # Its account takes nothing until somebody connects it again; then it is due.
            return _Change(_S.APPROVED, now, outcome.words)
        case Deferred():
            return _Change(_S.APPROVED, outcome.until, outcome.words, is_harmless=False)
        case Later() if step.before is _S.UNKNOWN:
            again = now + patience.wait_at_age(now - (step.armed_at or now))
            return _Change(_S.UNKNOWN, max(again, outcome.until or again), outcome.words)
        case Later():
            return _unsent(step, step.tries + 1, outcome.until, now)
        case Absent():
            return _unsent(step, step.tries, None, now)
        case Doubtful():
            soon = now + patience.BACK_OFF[0]
            return _Change(_S.UNKNOWN, soon, outcome.words, settles_from=now)
        case CannotTell():
            return _Change(_S.UNKNOWN, outcome.until, outcome.words)
        case _:
            raise AssertionError(f"{outcome} is no end of a step")


def _unsent(step: Step, tries: int, told: datetime | None, now: datetime) -> _Change:
    """Return what becomes of a delivery that the network certainly does not have, after so many tries."""
    words, tried = step.outcome.words, int(step.before is _S.PREPARING)
    if tries >= patience.MOST_TRIES:
        return _Change(_S.FAILED, None, patience.given_up(tries, words), tried=tried)
    if step.before is _S.UNKNOWN:
        # It has waited while it was looked for.
        late = tries - _SWALLOWED
        again = patience.next_try(late, now, told) if late > 0 else now
    else:
        again = patience.next_try(tries, now, told)
    return _Change(_S.APPROVED, again, words, tried=tried)


def _write(steps: Sequence[Step], changes: Mapping[Claim, _Change], now: datetime) -> set[Claim]:
    rows = [
        (
            step.claim.delivery_id,
            step.claim.fence,
            step.before.value,
            change.after.value,
            _moment(change.not_before),
            change.problem[:500],
            change.remote_id,
            change.permalink,
            _moment(change.published_at),
            _moment(change.settles_from),
            change.tried,
            int(not change.is_harmless),
        )
        for step in sorted(steps, key=lambda step: step.claim.delivery_id)
        if (change := changes[step.claim])
    ]
    new, values = as_table("new", _WRITTEN, rows)
    statement = f"""
    {new}
    UPDATE sharing_delivery SET
      state = new.after, not_before = new.not_before, problem = new.problem, lease_until = NULL,
      remote_id = CASE WHEN new.remote_id = '' THEN sharing_delivery.remote_id ELSE new.remote_id END,
      permalink = CASE WHEN new.permalink = '' THEN sharing_delivery.permalink ELSE new.permalink END,
      published_at = COALESCE(new.published_at, sharing_delivery.published_at),
      armed_at = COALESCE(new.settles_from, sharing_delivery.armed_at),
      tries = sharing_delivery.tries + new.tried, abandoned = sharing_delivery.abandoned * new.suspect,
      changed_at = %s
    FROM new
    WHERE sharing_delivery.id = new.id AND sharing_delivery.fence = new.fence
      AND sharing_delivery.state = new.before
    RETURNING sharing_delivery.id, sharing_delivery.fence
    """  # noqa: S608 - placeholders alone are put into the statement
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, _moment(now)])
        return {Claim(*row) for row in cursor.fetchall()}


_WRITTEN = {
    "id": "bigint",
    "fence": "bigint",
    "before": "text",
    "after": "text",
    "not_before": "timestamptz",
    "problem": "text",
    "remote_id": "text",
    "permalink": "text",
    "published_at": "timestamptz",
    "settles_from": "timestamptz",
    "tried": "integer",
    # 1 where nobody knows yet whether workers end over it, else 0.
    "suspect": "integer",
}


def _note(
    steps: Iterable[Step],
    changes: Mapping[Claim, _Change],
    written: Collection[Claim],
    now: datetime,
) -> None:
    """Complete the ledger's lines, and add those of steps that had none."""
    new: list[DeliveryAttempt] = []
    known: list[tuple[int, str, str]] = []
    for step in steps:
        led_to: str = changes[step.claim].after.value
        words = step.outcome.words or changes[step.claim].after.label
        if step.claim not in written:
            led_to, words = "", f"Came too late to count: {words}"
        if step.attempt_id:
            known.append((step.attempt_id, led_to, words[:500]))
        else:
            new.append(
                DeliveryAttempt(
                    delivery_id=step.claim.delivery_id,
                    kind=_KINDS[step.before],
                    began_at=now,
                    ended_at=now,
                    led_to=led_to,
                    words=words[:500],
                )
            )
    DeliveryAttempt.objects.bulk_create(new)
    if known:
        _complete(known, now)


def _complete(lines: Sequence[tuple[int, str, str]], now: datetime) -> None:
    """Write the end of lines of the ledger: their ids, what each led to, and its words.

    What a line led to stays where somebody else has ended it.
    """
    new, values = as_table("new", {"id": "bigint", "led_to": "text", "words": "text"}, lines)
    statement = f"""
    {new}
    UPDATE sharing_deliveryattempt SET
      ended_at = %s, words = new.words,
      led_to = CASE WHEN new.led_to = '' THEN sharing_deliveryattempt.led_to ELSE new.led_to END
    FROM new WHERE sharing_deliveryattempt.id = new.id
    """  # noqa: S608 - placeholders alone are put into the statement
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, _moment(now)])


_KINDS = {
    _S.PREPARING: DeliveryAttempt.Kind.PREPARE,
    _S.ARMED: DeliveryAttempt.Kind.PUBLISH,
    _S.UNKNOWN: DeliveryAttempt.Kind.LOOK_UP,
}


def _tell_accounts(steps: Iterable[Step], now: datetime) -> None:
    """Let all workers know what the network said of an account: its limits, and its trouble."""
    by_account: dict[int, list[Outcome]] = {}
    for step in steps:
        by_account.setdefault(step.account_id, []).append(step.outcome)
    for account_id, outcomes in sorted(by_account.items()):
        tell_account(account_id, outcomes, now)


def tell_account(account_id: int, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Let all workers know what the network said of one account."""
    accounts = SocialAccount.objects.filter(pk=account_id)
    if lost := next((each for each in outcomes if isinstance(each, AccessLost)), None):
        accounts.filter(state=SocialAccount.State.ACTIVE).update(
            state=SocialAccount.State.EXPIRED, problem=lost.words[:500]
        )
    stops = [each for each in outcomes if isinstance(each, Later) and each.everybody]
    if stops:
        _pause(accounts, stops, now)
    if used_up := [each for each in outcomes if isinstance(each, Deferred) and each.until]:
        # Or all that waits would be claimed and given back, a line in the ledger each, time and again.
        until = max(each.until for each in used_up if each.until)
        _silence(accounts, until, problem=used_up[-1].words[:500])
    works = {"used_at": now, "failures": 0, "problem": ""}
    is_well = not stops and any(isinstance(each, (Published, Done)) for each in outcomes)
    told = [each.budget for each in outcomes if each.budget is not None]
    if told:
        least: Budget = min(told, key=lambda budget: budget.left)
        more = works if is_well else {}
        accounts.update(budget=least.left, budget_until=least.until, **more)
    elif is_well:
        # Written at most once a minute: all workers would wait for this one row.
        stale = Q(used_at=None) | Q(used_at__lt=now - timedelta(minutes=1)) | Q(failures__gt=0)
        accounts.filter(stale).update(**works)


def _pause(accounts: Any, stops: Sequence[Later], now: datetime) -> None:
    account = accounts.only("failures", "silent_until").get()
    told = [stop.until for stop in stops if stop.until is not None]
    values: dict[str, Any] = {"problem": stops[-1].words[:500]}
    if account.silent_until is None or account.silent_until <= now:
        told.append(now + BREAK[min(account.failures, len(BREAK) - 1)])
        values["failures"] = F("failures") + 1
    # Else it was under way as the trouble began: the same failure, and no further one.
    if told:
        _silence(accounts, max(told), **values)


def _silence(accounts: Any, until: datetime, **values: Any) -> None:
    accounts.filter(Q(silent_until=None) | Q(silent_until__lt=until)).update(
        silent_until=until, **values
    )


def _moment(value: datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(value) if value is not None else None
