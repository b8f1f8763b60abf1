"""How long what does not go out is tried again: after waits that grow, and not for ever."""

import random
from datetime import datetime, timedelta
from itertools import accumulate, chain, count, repeat

# Between tries; the last one goes on.
BACK_OFF = tuple(timedelta(seconds=s) for s in (5, 15, 60, 300, 900, 3600, 10_800))
# What is not done in so long is given up, and says so.
GIVE_UP_AFTER = timedelta(days=2)
# A part of the wait: what failed in one moment does not come back in one moment.
_SPREAD = 0.2


def tries_within(patience: timedelta) -> int:
    """Return how many tries there are until the waits between them have taken so long."""
    waits = accumulate(chain(BACK_OFF, repeat(BACK_OFF[-1])))
    return next(tries for tries, waited in zip(count(2), waits, strict=False) if waited >= patience)


# Tries are counted, and not days: nobody's time is over while an account is paused or no worker is alive.
MOST_TRIES = tries_within(GIVE_UP_AFTER)


def wait_after(tries: int) -> timedelta:
    """Return how long to wait after so many tries in a row, the last of which has just failed."""
    return _spread(BACK_OFF[min(max(tries, 1), len(BACK_OFF)) - 1])


def wait_at_age(age: timedelta) -> timedelta:
    """Return how long to wait before something so old is looked for again: ever longer, and never given up."""
    return _spread(min(max(age / 2, BACK_OFF[0]), BACK_OFF[-1]))


def next_try(tries: int, now: datetime, told: datetime | None) -> datetime:
    """Return when to try again after so many tries: not before the moment that a network told, if it told one."""
    again = now + wait_after(tries)
    return max(again, told) if told is not None else again


def given_up(tries: int, last: str) -> str:
    """Return the sentences about what was tried so often."""
    return f"Given up after {tries} tries: it was not sent, and can be tried again. Last: {last}"


def _spread(wait: timedelta) -> timedelta:
    return wait * random.uniform(1, 1 + _SPREAD)  # noqa: S311 - nobody gains by guessing it
