"""Check the port before anything starts."""

import errno
import os
import socket
import time
from collections.abc import Callable

from healthsite.supervisor.failure import Failure

_LEFTOVERS_FREE_IT_WITHIN = 3.0


def from_environment() -> int:
    """Return PORT (default 8000); raise Failure when it is no port number."""
    raw = os.environ.get("PORT", "").strip() or "8000"
    if raw.isascii() and raw.isdigit() and 0 < int(raw) < 65536:
        return int(raw)
    raise Failure(f"PORT takes a number from 1 to 65535, not {raw!r}. Nothing was started.")


def require_free(port: int, *, after_a_crash: bool, wait: Callable[[float], None]) -> None:
    """Raise Failure when `port` is taken; after a crash the old owner gets a moment to go."""
    deadline = time.monotonic() + (_LEFTOVERS_FREE_IT_WITHIN if after_a_crash else 0)
    while (error := _taken(port)) is not None:
        if error.errno == errno.EACCES:
            raise Failure(
                f"Port {port} is not open to this user. Nothing was started. Try PORT=8000 make run"
            ) from error
        if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
            raise Failure(
                f"Port {port} cannot be used: {error.strerror}. Nothing was started.\n"
                f"Stop what uses it, or take another one: PORT={next_free(port)} make run"
            ) from error
        wait(0.2)


def _taken(port: int) -> OSError | None:
    """Return why nothing can listen on 127.0.0.1:`port`, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Connections that linger after a stop do not count; a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            return error
    return None


def next_free(port: int) -> int:
    """Return a free port a little above this one."""
    near = range(port + 1, min(port + 100, 65536))
    return next((candidate for candidate in near if _taken(candidate) is None), 8080)
