"""A real supervisor on a folder and a port of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor import parent_death

# Generous: a busy machine is slow, and a test that waits in vain fails all the same.
PATIENCE = 120.0

_NOT_FOR_THE_SITE = {
    *("SITE_URL", "REDIS_URL", "CACHE_URL", "DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DEBUG"),
    *("DJANGO_SETTINGS_MODULE", "HEALTHSITE_ADMIN_PASSWORD", "TRUST_PROXY_HEADERS", "MAKEFLAGS"),
}
SUPERVISOR = (sys.executable, "-m", "healthsite.supervisor")


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Start:
    """One start of the site, through whatever command starts it."""

    def __init__(
        self, data: Path, port: int, command: Sequence[str], output: Path, **variables: str
    ) -> None:
        self.data = data
        self.output = output
        environment = {k: v for k, v in os.environ.items() if k not in _NOT_FOR_THE_SITE}
        environment |= {"HEALTHSITE_DATA": str(data), "PORT": str(port)} | variables
        # A test run that is killed takes the site with it; make names itself.
        environment[parent_death.VARIABLE] = str(os.getpid())
        with output.open("wb") as stdout:
            self.process = subprocess.Popen(
                command,
                cwd=PROJECT_ROOT,
                env=environment,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        """Return what it has said so far."""
        return self.output.read_text()

    def wait_for(self, text: str, *, times: int = 1) -> None:
        """Wait until it has said `text`."""
        deadline = time.monotonic() + PATIENCE
        while self.text().count(text) < times:
            assert self.process.poll() is None, f"it ended:\n{self.text()}"
            assert time.monotonic() < deadline, f"no {text!r} in:\n{self.text()}"
            time.sleep(0.05)

    def ends(self) -> int:
        """Return its exit status, once it has ended."""
        return self.process.wait(PATIENCE)

    def children(self) -> list[int]:
        """Return the process ids of its children."""
        pid = self.process.pid
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def leaves(self) -> dict[int, str]:
        """Return what still runs on its data folder, after a moment to end."""
        deadline = time.monotonic() + 10
        while (left := running_on(self.data)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def tidy(self) -> None:
        """End whatever a failed test left running."""
        self.process.kill()
        self.process.wait(PATIENCE)
        for pid in running_on(self.data):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def running_on(data: Path) -> dict[int, str]:
    """Return the living processes that have this data folder in their environment or command."""
    found = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes().split(b"\0")
            # A Valkey server writes its title over its environment.
            if f"HEALTHSITE_DATA={data}".encode() in environment or f"{data}/".encode() in command:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    found[int(folder.name)] = command.replace(b"\0", b" ").decode()
    return found


class Starts:
    """Make starts on one data folder, and tidy up after them."""

    def __init__(self, data: Path, outputs: Path) -> None:
        self.data = data
        self.outputs = outputs
        self.port = free_port()
        self._made: list[Start] = []

    def __call__(self, command: Sequence[str] = SUPERVISOR, *, port: int | None = None) -> Start:
        output = self.outputs / f"{time.monotonic_ns()}.txt"
        start = Start(self.data, port or self.port, command, output)
        self._made.append(start)
        return start

    def tidy(self) -> None:
        """End everything."""
        for start in self._made:
            start.tidy()


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starts]:
    """Return what starts the site on a data folder that the tests of a module share."""
    folder = tmp_path_factory.mktemp("site")
    made = Starts(folder / "data", folder)
    yield made
    made.tidy()
