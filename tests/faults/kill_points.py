"""Named points of the drain at which a process kills itself when it is told to.

A file with the point's name in the folder `kill` arms a point. The first mortal process that gets there takes
the file, adding its id to the name, and dies by SIGKILL: no `finally`, no rollback, no farewell.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from sharing import counting, stream

AFTER_THE_IDS = "after-the-ids"
BEFORE_THE_COMMIT = "before-the-commit"
IN_THE_COMMIT = "in-the-commit"
BEFORE_THE_TRIM = "before-the-trim"
AFTER_THE_TRIM = "after-the-trim"
ALL = (AFTER_THE_IDS, BEFORE_THE_COMMIT, IN_THE_COMMIT, BEFORE_THE_TRIM, AFTER_THE_TRIM)

# A commit takes about so long, in seconds; the kill falls somewhere inside.
_COMMIT_TAKES = 0.004
MORTAL = "FAULT_MORTAL"


def install() -> None:
    """Put the points into the drain."""
    _around(counting, "insert_new", after=AFTER_THE_IDS)
    _around(counting, "add_to_counts", after=BEFORE_THE_COMMIT)
    _around(BaseDatabaseWrapper, "_commit", before=IN_THE_COMMIT)
    _around(stream, "trim", before=BEFORE_THE_TRIM, after=AFTER_THE_TRIM)


def become_mortal() -> None:
    """Let this process die at points from now on."""
    os.environ[MORTAL] = "1"


def arm(point: str) -> None:
    """Tell the next mortal process that gets to a point to kill itself there."""
    _folder().mkdir(exist_ok=True)
    (_folder() / point).touch()


def disarm(point: str) -> bool:
    """Take the order back; return False where somebody has carried it out."""
    try:
        (_folder() / point).unlink()
    except FileNotFoundError:
        return False
    return True


def victim(point: str) -> int | None:
    """Return the id of the process that died at a point, once, or None where none has yet."""
    for file in _folder().glob(f"{point}.*"):
        file.unlink()
        return int(file.suffix[1:])
    return None


def _folder() -> Path:
    folder: Path = settings.DATA_DIR / "kill"
    return folder


def _reach(point: str) -> None:
    if MORTAL not in os.environ:
        return
    try:
        (_folder() / point).rename(_folder() / f"{point}.{os.getpid()}")
    except OSError:
        return
    if point == IN_THE_COMMIT:
        threading.Thread(target=_kill_soon, daemon=True).start()
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def _kill_soon() -> None:
    time.sleep(random.uniform(0, _COMMIT_TAKES))
    os.kill(os.getpid(), signal.SIGKILL)


def _around(place: Any, name: str, *, before: str = "", after: str = "") -> None:
    inner: Callable[..., Any] = getattr(place, name)

    @wraps(inner)
    def with_points(*args: Any, **kwargs: Any) -> Any:
        if before:
            _reach(before)
        result = inner(*args, **kwargs)
        if after:
            _reach(after)
        return result

    setattr(place, name, with_points)
