"""Wait for time to pass, a child to end, or a wish to stop, whichever comes first."""

import select
import signal
import socket
from contextlib import suppress
from types import FrameType

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopWanted(Exception):
    """Somebody asked for a stop: a signal came, or the parent left."""


class Signals:
    """Signals as something to wait for. Make one, in the main thread."""

    def __init__(self) -> None:
        self.reason = ""
        self.is_stopping = False
        # A handler's byte wakes select(); without it a signal just before would be slept over.
        self._readable, self._writable = socket.socketpair()
        self._readable.setblocking(False)
        self._writable.setblocking(False)
        signal.set_wakeup_fd(self._writable.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self._wake)
        for signum in _STOPPING:
            # HUP too where it came ignored, as under `nohup`: each of the three always stops the site.
            signal.signal(signum, self._stop)

    def _wake(self, signum: int, frame: FrameType | None) -> None:
        """Do nothing: being called is what interrupts the wait."""

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self.reason = self.reason or signal.Signals(signum).name

    def wait(self, seconds: float) -> None:
        """Return after `seconds` or sooner; raise StopWanted once when a stop was asked for."""
        if not self.reason or self.is_stopping:
            select.select([self._readable], [], [], seconds)
        with suppress(BlockingIOError):
            while self._readable.recv(4096):
                pass
        if self.reason and not self.is_stopping:
            raise StopWanted(self.reason)
