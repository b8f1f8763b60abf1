"""Drain, recount and put back, telling how far it is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from healthsite.watching.bar import Bar
from sharing import actions, pipeline, recounting
from sharing.valkey import Silent, Valkey

_LOOK_EVERY = 0.2
# A sweep that neither counts nor ends, so many times in a row, will not with one more.
_IDLE_SWEEPS = 3
# More lines than this are counted, not written.
_LISTED = 1000


class Stuck(Exception):
    """The stream does not get shorter, although its server answers."""


@dataclass(frozen=True)
class Drained:
    """How many events were counted by this drain, and by how many the stream and inbox got shorter."""

    counted: int
    waited: int


def drain(server: Valkey, bar: Bar) -> Drained:
    """Count until nothing waits; workers may do the same meanwhile. Raises Silent or Stuck.

    What comes while it drains is counted too, until the stream was empty once.
    """
    began = timezone.now()
    waited = pipeline.inbox_state().length
    counted = 0
    try:
        waited += pipeline.stream_state(server).length
    except Silent:
        # The inbox needs no server.
        counted += actions.drain_inbox()
        raise
    with _drawn(server, bar, waited):
        idle = 0
        while idle < _IDLE_SWEEPS:
            more = actions.drain()
            counted += more
            if _is_swept(server, began):
                return Drained(counted, waited)
            idle = 0 if more else idle + 1
    raise Stuck(f"The stream does not empty; {counted:,} events were counted.")


def _is_swept(server: Valkey, began: datetime) -> bool:
    swept = pipeline.stream_state(server).swept_at
    # The server keeps the moment as a number that may be rounded.
    return swept is not None and swept.timestamp() >= began.timestamp() - 0.001


@contextmanager
def _drawn(server: Valkey, bar: Bar, of: int) -> Iterator[None]:
    """Draw by what is left in the stream: whoever counts it, this process or a worker."""
    ended = threading.Event()

    def look() -> None:
        left = of
        while not ended.wait(_LOOK_EVERY):
            try:
                left = min(left, pipeline.stream_state(server).length)
            except Silent:
                continue
            bar.draw("Counting", of - left, of)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join()
        bar.clear()


def recount(bar: Bar, *, repair: bool) -> int:
    """Compare all sums with the counts, say each difference, and return how many there were."""
    began = timezone.now()
    found = 0
    for step in recounting.recount(repair=repair):
        for difference in step.differences:
            found += 1
            if found <= _LISTED:
                bar.say(str(difference))
        bar.draw(f"Comparing {step.what}", step.done, step.of)
    bar.clear()
    if found > _LISTED:
        bar.say(f"and {found - _LISTED:,} more")
    recounting.note(pipeline.Verified(began, 0 if repair else found))
    return found
