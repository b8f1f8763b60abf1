"""Real server processes: started for a benchmark, measured, and ended whatever happens."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.missing import NotMeasured
from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor.parent_death import binder

_START_WITHIN = 60.0


class Process:
    """A program with its children, in a session of its own."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT_ROOT,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=binder(),
            )
        self._log = log
        self.pid = self._process.pid

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Wait for a condition; raises NotMeasured where the program ends or takes too long."""
        deadline = time.monotonic() + _START_WITHIN
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                end = self._log.read_text(errors="replace")[-2000:]
                raise NotMeasured(f"{self._log.name} did not start:\n{end}")
            time.sleep(0.01)

    def family(self) -> list[int]:
        """Return the ids of the program and all that it started."""
        found, new = [], [self.pid]
        while new:
            pid = new.pop()
            found.append(pid)
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    new += map(int, (task / "children").read_text().split())
        return found

    def cpu_seconds(self) -> float:
        """Return the processor time that the family has taken until now."""
        ticks = 0
        for pid in self.family():
            with suppress(OSError):
                # The name, in parentheses, may have spaces in it (proc(5)).
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> dict[int, int]:
        """Return the proportional set size of each process of the family, in bytes."""
        sizes = {}
        for pid in self.family():
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        sizes[pid] = int(line.split()[1]) * 1024
        return sizes

    def end(self) -> None:
        """End the family: asked first, then killed."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path, is_ready: Callable[[], bool]
) -> Iterator[Process]:
    """Run a program until the end of the block."""
    process = Process(command, environment, log)
    try:
        process.wait_until(is_ready)
        yield process
    finally:
        process.end()


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
