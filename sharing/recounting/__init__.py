"""Compute every sum from the counts of days again, and say what differs: nothing must.

Each step looks at some targets, or at one day, with one statement. A statement sees one moment of the
database, and a drain writes counts and sums in one commit, so that a step is consistent while drains go on
and holds nobody up. Where it repairs, it looks again with the counts held: then no one writes in between.
"""

import logging
from collections.abc import Generator

from django.utils import timezone

from sharing import pipeline, valkey
from sharing.recounting import days, standings, totals
from sharing.recounting.steps import Difference, Step, Sums

__all__ = ["Difference", "Step", "Sums", "note", "recount", "verify"]

logger = logging.getLogger(__name__)

# A log is no place for a million lines.
_LOGGED = 20


def recount(*, repair: bool = False) -> Generator[Step, None, None]:
    """Compare all sums with the counts, a step at a time; with `repair`, write what was computed.

    The steps of each kind end with one in which all is done. What is repaired is committed with its step.
    """
    yield from totals.steps(repair=repair)
    yield from days.steps(repair=repair)
    yield from standings.steps(repair=repair)


def verify() -> int:
    """Compare all sums with the counts, log what differs and note the result; return how many differ."""
    began = timezone.now()
    found = 0
    for step in recount():
        for difference in step.differences[: max(0, _LOGGED - found)]:
            logger.error("share counts differ: %s", difference)
        found += len(step.differences)
    if found:
        logger.error(
            "%d sums of share counts differ from the counts; `manage.py recount` lists them, "
            "`manage.py recount --repair` writes them anew",
            found,
        )
    note(pipeline.Verified(began, found))
    return found


def note(verified: pipeline.Verified) -> None:
    """Tell probes and metrics what a comparison came to, unless the server is silent."""
    try:
        pipeline.note_verified(valkey.events_for_jobs(), verified)
    except valkey.Silent as silence:
        logger.warning("what recounting came to is not noted: %s", silence)
