"""One request under way, and what is sure of it afterwards."""

import time
from contextvars import ContextVar
from dataclasses import dataclass

from sharing.networks.addresses import Place


class NotSent(Exception):
    """Nothing of the request left this machine: it may be made again. Says why in a sentence."""


class OutcomeUnknown(Exception):
    """The request was sent, in part at least, and no usable reply came. Whether it took effect is open."""


class Late(Exception):
    """The deadline is over."""


@dataclass(slots=True)
class Exchange:
    """One request under way: when it must be over, whether any of it was written, and whether its reply came."""

    place: Place
    until: float
    sent: bool = False
    is_over: bool = False

    def within(self, timeout: float | None) -> float:
        """Return how long the next step may take, in seconds."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise Late
        return left if timeout is None else min(timeout, left)


# The exchange that this thread is at: httpcore's backend is told of none.
under_way: ContextVar[Exchange] = ContextVar("exchange under way")
