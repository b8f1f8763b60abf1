"""Values kept in the process for as long as they are true."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from articles.freshness.changes import are_pending
from articles.freshness.recording import depends_on, recording
from articles.freshness.slots import Stamp

T = TypeVar("T")


@dataclass(slots=True)
class _Kept(Generic[T]):
    value: T
    stamp: Stamp
    seconds: float | None
    until: float | None
    was_used: bool = False


class Memory(Generic[T]):
    """At most `size` values; what nobody used since it was last looked at goes first.

    Safe to share between threads; a value that is there is found without a lock.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: dict[Hashable, _Kept[T]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of `key`, made by `make` unless it is there and true.

        What it is made from `make` says through `depends_on`. An error of `make` is the caller's, and
        nothing is kept. Inside a transaction that has touched something, nothing is kept or taken.
        """
        if are_pending():
            return make()
        kept = self._kept.get(key)
        if (
            kept is not None
            and (kept.until is None or time.monotonic() < kept.until)
            and kept.stamp.holds()
        ):
            kept.was_used = True
            depends_on(*kept.stamp.names, seconds=kept.seconds)
            return kept.value
        with recording() as made:
            value = make()
        stamp = made.stamp()
        if stamp is not None:
            until = None if made.seconds is None else time.monotonic() + made.seconds
            with self._lock:
                self._kept.pop(key, None)
                self._kept[key] = _Kept(value, stamp, made.seconds, until)
                while len(self._kept) > self._size:
                    self._forget_one()
        return value

    def _forget_one(self) -> None:
        """Forget the oldest value, but let those that were used stand at the end once more."""
        while True:
            key, kept = next(iter(self._kept.items()))
            del self._kept[key]
            if not kept.was_used:
                return
            kept.was_used = False
            self._kept[key] = kept
