"""How many requests may be inside Django at once, so that one thread is always left for kept pages."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from healthsite.delivery.answers import StartResponse

_BUSY = b"Too much is waiting at the moment. Please try again in a few seconds.\n"


class Places:
    """So many places inside Django.

    They are stuck when all are taken and nobody came or went for so many seconds: the database hangs, or a
    table is locked. Then nobody waits for one.
    """

    def __init__(self, number: int, *, patience: float) -> None:
        self._free = number
        self._patience = patience
        self._moved_at = time.monotonic()
        self._condition = threading.Condition()

    def enter(self) -> bool:
        """Take a place, waiting for one to become free; return False where they are stuck."""
        with self._condition:
            while not self._free:
                left = self._patience - (time.monotonic() - self._moved_at)
                if left <= 0:
                    return False
                self._condition.wait(left)
            self._free -= 1
            self._moved_at = time.monotonic()
        return True

    def leave(self) -> None:
        """Give a place back."""
        with self._condition:
            self._free += 1
            self._moved_at = time.monotonic()
            self._condition.notify()

    def are_stuck(self) -> bool:
        """Return whether there is nothing to wait for."""
        return not self._free and time.monotonic() - self._moved_at > self._patience


def with_places(
    application: Callable[[dict[str, Any], StartResponse], Iterable[bytes]], places: Places
) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """Return the application behind these places; it answers 503 while they are stuck."""

    def enter(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if not places.enter():
            headers = [
                ("Content-Type", "text/plain; charset=utf-8"),
                ("Content-Length", str(len(_BUSY))),
                ("Cache-Control", "no-store"),
                ("Retry-After", "10"),
            ]
            start_response("503 Service Unavailable", headers)
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [_BUSY]
        try:
            return application(environ, start_response)
        finally:
            places.leave()

    return enter
