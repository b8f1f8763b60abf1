"""What servers take from an account, asked once an hour by each process."""

import threading
import time
from collections.abc import Callable

from sharing.networks.posting.contract import Limits

# In seconds.
_KEPT = 3600.0


class LimitsMemory:
    """The limits of accounts, by their ids."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, Limits | None]] = {}
        self._lock = threading.Lock()

    def known(self, account_id: int) -> Limits | None:
        """Return the limits of an account if they were asked for lately."""
        with self._lock:
            until, limits = self._kept.get(account_id, (0.0, None))
        return limits if time.monotonic() < until else None

    def of(self, account_id: int, ask: Callable[[], Limits]) -> Limits:
        """Return the limits of an account; raises what `ask` raises."""
        if (limits := self.known(account_id)) is not None:
            return limits
        limits = ask()
        with self._lock:
            self._kept[account_id] = (time.monotonic() + _KEPT, limits)
        return limits
