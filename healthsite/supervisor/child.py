"""One child process: its command, its log, its end."""

import os
import shlex
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor import parent_death
from healthsite.supervisor.failure import Failure

_LONGEST_LOG = 10 * 1024 * 1024
_LINES_SHOWN = 15


@dataclass(eq=False)
class Child:
    """A process in a session of its own, so that Ctrl-C reaches the supervisor alone."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    # File descriptors that it gets besides its log.
    inherits: Sequence[int] = ()
    # A store serves the others, so it stops after them.
    is_store: bool = False
    # An errand comes to an end by itself.
    is_errand: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the process; its output goes to the end of its log."""
        if self.log.exists() and self.log.stat().st_size > _LONGEST_LOG:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        with self.log.open("ab") as log:
            log.write(f"--- {shlex.join(self.command)}\n".encode())
            log.flush()
            self._process = subprocess.Popen(  # noqa: S603 - our own commands, without a shell
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                env=self.environment,
                start_new_session=True,
                pass_fds=tuple(self.inherits),
                # Safe: the supervisor has one thread.
                preexec_fn=parent_death.binder(),
            )

    @property
    def pid(self) -> int | None:
        """Return the process id, or None before `start` and after `finish`."""
        return self._process.pid if self._process else None

    def has_ended(self) -> bool:
        """Return whether the process is over, without letting its id go to another process."""
        if self._process is None:
            return True
        if hasattr(os, "waitid"):
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self._process.pid, flags) is not None
        return self._process.poll() is not None

    def terminate(self) -> None:
        """Ask the process to stop in its own way."""
        if self._process is not None and not self.has_ended():
            self._process.terminate()

    def finish(self) -> str:
        """Kill what is left of the process and of its own children; return how it ended."""
        if self._process is None:
            return "not started"
        # The main process may be gone and have left workers behind.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        status = self._process.wait()
        self._process = None
        return f"exit status {status}" if status >= 0 else signal.Signals(-status).name

    def failure(self, what: str) -> Failure:
        """Return `what` as a failure, with the end of the log and what to do."""
        end: deque[str] = deque()
        with suppress(OSError), self.log.open(errors="replace") as log:
            end = deque(log, maxlen=_LINES_SHOWN)
        lines = (f"    {line.rstrip()}" for line in end)
        return Failure(
            "\n".join(
                (
                    f"{what} The end of {self.log}:",
                    *lines,
                    "Everything is stopped and what was saved is safe. Mend what the log names, "
                    "then start again.",
                )
            )
        )
