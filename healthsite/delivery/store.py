"""The kept answers of one process, bounded by bytes."""

import threading
from collections.abc import Hashable

from healthsite.delivery.answers import Kept


class Store:
    """At most so many bytes of answers. What nobody asked for since it was last looked at goes first.

    A second chance for what was used (the clock algorithm) comes close to "longest unused", and a hit
    writes one flag, without a lock. A flood of addresses that are asked for once drives itself out.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._answers: dict[Hashable, Kept] = {}
        self._size = 0
        self._lock = threading.Lock()
        # A look-up takes no lock: a dictionary's own is enough.
        self.get = self._answers.get

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def size(self) -> int:
        """Return how many bytes the answers take, about."""
        return self._size

    def put(self, key: Hashable, kept: Kept) -> None:
        """Keep an answer, unless it is larger than all that may be kept."""
        with self._lock:
            self._drop(key)
            if kept.answer.size > self._limit:
                return
            self._answers[key] = kept
            self._size += kept.answer.size
            while self._size > self._limit:
                oldest = next(iter(self._answers))
                candidate = self._answers[oldest]
                if candidate.was_used and oldest != key:
                    candidate.was_used = False
                    self._answers[oldest] = self._answers.pop(oldest)
                else:
                    self._drop(oldest)

    def drop(self, key: Hashable) -> None:
        """Forget an answer."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        kept = self._answers.pop(key, None)
        if kept is not None:
            self._size -= kept.answer.size
