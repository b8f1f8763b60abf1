"""Doing what was written down: at least once, by any worker, and never for long in one sweep."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from traceback import format_exception
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils.module_loading import import_string
from django_tasks.base import Task

from healthsite.chores.models import Chore
from healthsite.mail.actions import clock

logger = logging.getLogger(__name__)

# A worker that has not ended by then is taken for dead. Nothing that is done here may take half of it.
LEASE = timedelta(minutes=2)
BACK_OFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
)
# Given up after so many beginnings: the first, and one after each wait.
MOST_TRIES = len(BACK_OFF) + 1
# A sweep begins nothing more after so long, in seconds: the next one is under way by then.
LONGEST_SWEEP = 10.0
# So many rows of one call are taken together.
_MOST_ALIKE = 1000
_LONGEST_PROBLEM = 20_000


@dataclass(frozen=True)
class _Claimed:
    """One call that is this worker's alone until the lease ends, and the rows that ask for it."""

    task: str
    arguments: dict[str, Any]
    # (id, tries): another worker that took a row over has begun it once more.
    rows: Sequence[tuple[int, int]]
    tries: int


def do_due() -> int:
    """Do what is due, for some seconds at most; return how many calls were made."""
    until = time.monotonic() + LONGEST_SWEEP
    made = 0
    while time.monotonic() < until and Chore.objects.due(clock()).exists():
        claimed = _claim()
        if claimed is None:
            break
        _do(claimed)
        made += 1
    return made


@transaction.atomic
def _claim() -> _Claimed | None:
    """Take the oldest call that is due, with every row that asks for the same; None where there is none.

    On SQLite the transaction itself keeps others out, on PostgreSQL its locks on the rows do.
    """
    now = clock()
    due = Chore.objects.due(now)
    first = due.select_for_update(skip_locked=True).first()
    if first is None:
        return None
    alike = due.filter(key=first.key).select_for_update(skip_locked=True)[:_MOST_ALIKE]
    rows = {row.pk: row for row in (first, *alike)}
    for row in rows.values():
        row.tries += 1
        row.lease_until = now + LEASE
    Chore.objects.bulk_update(rows.values(), ["tries", "lease_until"])
    return _Claimed(
        task=first.task,
        arguments=first.arguments,
        rows=[(row.pk, row.tries) for row in rows.values()],
        tries=rows[first.pk].tries,
    )


def _do(claimed: _Claimed) -> None:
    if claimed.tries > MOST_TRIES:
        _finish(claimed, problem="Its worker ended each time, before it was done.")
        return
    try:
        task: Task[..., Any] = import_string(claimed.task)
        task.call(*claimed.arguments["args"], **claimed.arguments["kwargs"])
    except ObjectDoesNotExist:
        # What it was about was deleted meanwhile, and so is what there was to do.
        _finish(claimed)
    except Exception as error:  # noqa: BLE001 - whatever a task raises, the others are done
        _finish(claimed, problem="".join(format_exception(error))[-_LONGEST_PROBLEM:])
    else:
        _finish(claimed)


@transaction.atomic
def _finish(claimed: _Claimed, *, problem: str = "") -> None:
    """Delete what is done; put what failed back for later, or give it up."""
    now = clock()
    mine = [
        row.pk
        for row in Chore.objects.select_for_update().filter(pk__in=[pk for pk, _ in claimed.rows])
        if (row.pk, row.tries) in set(claimed.rows)
    ]
    rows = Chore.objects.filter(pk__in=mine)
    words = problem.strip().rpartition("\n")[2]
    if not problem:
        rows.delete()
    elif claimed.tries < MOST_TRIES:
        wait = BACK_OFF[claimed.tries - 1]
        logger.warning(
            "%s%s failed and is tried again in %s: %s", claimed.task, _told(claimed), wait, words
        )
        rows.update(not_before=now + wait, lease_until=None, problem=problem)
    else:
        logger.error("%s%s was given up: %s", claimed.task, _told(claimed), words)
        rows.update(failed_at=now, lease_until=None, problem=problem)


def _told(claimed: _Claimed) -> str:
    return str(tuple(claimed.arguments["args"]))[:200]


def try_again() -> int:
    """Put everything that was given up back to be done; return how many rows."""
    now = clock()
    return Chore.objects.failed().update(failed_at=None, tries=0, not_before=None, queued_at=now)


def prune() -> int:
    """Forget what was given up longer ago than the settings say; return how many rows."""
    old = Chore.objects.failed().filter(failed_at__lt=clock() - settings.CHORE_RETENTION)
    return old.delete()[0]
