"""The real servers of a run, which it kills and starts again on the data that they left."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from healthsite import paths
from healthsite.supervisor import valkey
from healthsite.supervisor.parent_death import binder

_START_SECONDS = 30.0


class ValkeyServer:
    """One Valkey server of a data folder, run as the site runs it."""

    def __init__(
        self,
        data: Path,
        unix_socket: Path,
        command: Callable[[str, Path], list[str]],
        more: tuple[str, ...] = (),
    ) -> None:
        self.socket = unix_socket
        self.environment: Mapping[str, str] = {}
        self._data = data
        self._command = [*command(valkey.find_binary(), data), *more]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return the address of the server."""
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        """Start the server and wait until it has loaded its data; raises TimeoutError."""
        (self._data / "valkey").mkdir(parents=True, exist_ok=True)
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        with (self._data / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
                start_new_session=True,
                preexec_fn=binder(),
            )
        deadline = time.monotonic() + _START_SECONDS
        while not valkey.answers(self.socket, self._process.pid):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"{self.socket.name} does not answer")
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill the server without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


def events_server(data: Path) -> ValkeyServer:
    """Return the durable server of a data folder; it answers when what it took is on disk."""
    return ValkeyServer(
        data, paths.events_socket(data), valkey.events_command, ("--appendfsync", "always")
    )


def cache_server(data: Path) -> ValkeyServer:
    """Return the server that writes nothing to disk, which workers ask for at their start."""
    return ValkeyServer(data, paths.cache_socket(data), valkey.cache_command)
