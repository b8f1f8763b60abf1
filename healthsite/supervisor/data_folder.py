"""Get the data folder ready: writable, ours alone, with its secret key and socket folder."""

import fcntl
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from healthsite import paths
from healthsite.supervisor.failure import Failure

_LEFTOVERS_END_WITHIN = 5.0


def make_writable(data: Path) -> None:
    """Make the data folder and its sub-folders; raise Failure when it cannot be written."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("logs", "media", "valkey"):
            (data / name).mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=data) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        raise Failure(
            f"The data folder {data} cannot be written: {error.strerror or error}.\n"
            "Nothing was started. Name another folder with HEALTHSITE_DATA, for example\n"
            f"  HEALTHSITE_DATA={Path.home() / 'healthsite-data'} make run"
        ) from error


class Lock:
    """The promise that one supervisor at a time uses a data folder.

    The kernel drops a lock when its last holder ends, so a crash leaves none behind. A second lock
    is inherited by all children: while one of an earlier run lives, nobody starts beside it.
    """

    def __init__(self, data: Path, address: str) -> None:
        self._path = data / "supervisor.lock"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        record = self._read()
        if not _try_lock(self._file):
            pid, where = record.get("pid", "PID"), record.get("address", "")
            raise Failure(
                f"The site already runs on {data}: process {pid}, {where}\n"
                f"It was left alone. Stop it with `kill {pid}`, or start a second site with its "
                "own HEALTHSITE_DATA and PORT."
            )
        # A clean stop empties the record.
        self.was_left_by_a_crash = bool(record)
        self.children_fd = os.open(data / "children.lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._write({"pid": os.getpid(), "address": address})

    def wait_for_leftovers(self, wait: Callable[[float], None], say: Callable[[str], None]) -> None:
        """Wait until every process of an earlier run has ended; raise Failure when one does not."""
        waited = 0.0
        while not _try_lock(self.children_fd):
            if not waited:
                say("processes of an earlier run are still ending")
            elif waited > _LEFTOVERS_END_WITHIN:
                raise Failure(
                    "Processes of an earlier run on this data folder are still alive.\n"
                    "Nothing was started. End them; this lists their ids:\n"
                    f"  fuser {self._path.with_name('children.lock')}"
                )
            wait(0.1)
            waited += 0.1

    def release(self) -> None:
        """Say that the stop was clean."""
        self._write({})

    def _read(self) -> dict[str, object]:
        with suppress(ValueError):
            found = json.loads(os.pread(self._file, 4096, 0) or b"{}")
            return found if isinstance(found, dict) else {}
        return {}

    def _write(self, record: dict[str, object]) -> None:
        os.ftruncate(self._file, 0)
        if record:
            os.pwrite(self._file, json.dumps(record).encode(), 0)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make_secret_key(data: Path) -> None:
    """Write a secret key that only this user can read, unless there is one."""
    file = paths.secret_key_file(data)
    if file.exists() and file.stat().st_size:
        return
    # Whole or not at all: a start may be killed at any line.
    unfinished = file.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_urlsafe(64))
    unfinished.replace(file)


def make_socket_dir(data: Path) -> None:
    """Make the private folder of the sockets and clear what a crash left in it."""
    folder = paths.socket_dir(data)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # In a shared temporary folder somebody else may have made it first.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise Failure(
            f"{folder} belongs to somebody else, and the Valkey sockets would lie in it.\n"
            "Nothing was started. Remove it, or set TMPDIR to a folder of your own."
        )
    folder.chmod(0o700)
    for socket in (paths.events_socket(data), paths.cache_socket(data)):
        if len(os.fsencode(socket)) > paths.LONGEST_SOCKET_PATH:
            raise Failure(
                f"{socket} is too long for a socket's path.\n"
                "Nothing was started. Set TMPDIR or HEALTHSITE_DATA to a shorter path."
            )
        socket.unlink(missing_ok=True)
