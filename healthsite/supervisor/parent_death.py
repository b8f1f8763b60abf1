"""End a process when the process that started it ends, so that nothing is left behind.

On Linux the kernel does it (prctl(2), PR_SET_PDEATHSIG). Elsewhere `bind` only compares, and a
process that can polls `Parent.has_left`.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

# A process that finds its parent's id here ends with that parent. The Makefile sets it.
VARIABLE = "HEALTHSITE_PARENT"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def bind(parent: int, signum: signal.Signals = signal.SIGKILL) -> bool:
    """Ask for `signum` when `parent` ends; return False when it has ended already.

    The wish survives exec and is lost by fork. The kernel watches the *thread* that forked us, so a
    parent starts its children from its main thread.
    """
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    # Between our fork and the line above nobody would have told us.
    return os.getppid() == parent


def binder() -> Callable[[], None]:
    """Return a `preexec_fn` that ends a child with this process.

    It runs between fork and exec, so only a process without other threads may use it.
    """
    parent = os.getpid()

    def bind_or_exit() -> None:
        if not bind(parent):
            os._exit(1)

    return bind_or_exit


def bind_to_main_process() -> None:
    """End this worker process of a multiprocessing server, granian's, with its main process."""
    main = multiprocessing.parent_process()
    if main is not None and not bind(main.pid or 0):
        os._exit(1)


class Parent:
    """The process that ours must not outlive; none when the environment names none."""

    def __init__(self) -> None:
        self._pid = int(os.environ.pop(VARIABLE, "0") or 0)
        self._asked_before = False

    def bind(self, signum: signal.Signals) -> None:
        """Bind this process to its parent, if it has one to follow."""
        if self._pid and not bind(self._pid, signum):
            sys.exit("The process that asked for this start has gone; nothing was started.")

    def keep(self) -> None:
        """Hand the parent on to the program that replaces this one by exec."""
        if self._pid:
            os.environ[VARIABLE] = str(self._pid)

    def has_left(self) -> bool:
        """Return whether the parent is gone, or waits for us to end without having said so."""
        if not self._pid:
            return False
        if os.getppid() != self._pid:
            return True
        # It blocks the same signals for a moment while it starts a job, hence twice in a row.
        asks, asked_before = _waits_in_signal_handler(self._pid), self._asked_before
        self._asked_before = asks
        return asks and asked_before


def _waits_in_signal_handler(pid: int) -> bool:
    """Return whether `pid` is handling INT, HUP or TERM at this moment.

    GNU make that gets INT or HUP alone (`kill`, not Ctrl-C) waits inside its handler for its
    children and tells them nothing (fatal_error_signal in commands.c, make 4.3). A handler's own
    signal is blocked while it runs, which Linux shows in /proc.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
    except (OSError, IndexError, ValueError):
        return False
    handled = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
    return any(blocked >> (signum - 1) & 1 for signum in handled)
