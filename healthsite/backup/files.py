"""Files that appear whole or not at all, and what a kill left of unfinished ones."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from healthsite.backup.problem import BackupProblem
from healthsite.backup.progress import size

_UNFINISHED = ".backup-unfinished-"


@contextmanager
def unfinished(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a new private file in the folder; whoever is done with it renames it, else it is removed.

    A lock says that its maker lives; without one, a later backup removes it.
    """
    _remove_abandoned(folder)
    descriptor, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=folder)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield path, file
    finally:
        # With whatever SQLite left beside it.
        for left in folder.glob(f"{path.name}*"):
            left.unlink(missing_ok=True)


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn the system's errors into sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise BackupProblem(
                f"The disk of {where} is full. What was begun was removed; nothing else was touched."
            ) from error
        raise BackupProblem(f"{error.filename or where}: {error.strerror or error}.") from error


def require_room(folder: Path, needed: int) -> None:
    """Raise BackupProblem where the disk has less than `needed` bytes left."""
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if needed > free:
        raise BackupProblem(
            f"This needs {size(needed)} on the disk of {folder}, which has {size(free)} left. "
            "Nothing was touched."
        )


def sync_file(file: BinaryIO) -> None:
    """Have a file's content on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some file systems have nothing to do for a folder, and say so.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Have the names in a folder and all below it on the disk."""
    for path, _, _ in os.walk(folder):
        sync_folder(Path(path))


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob(f"{_UNFINISHED}*"):
        if "-" in path.name.removeprefix(_UNFINISHED):
            continue  # what SQLite keeps beside a copy goes with the copy
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for beside in folder.glob(f"{path.name}*"):
                beside.unlink(missing_ok=True)
