"""One process of a machine at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


@contextmanager
def alone_on_this_machine(name: str) -> Iterator[bool]:
    """Tell whether no other process of this machine does what is named so.

    It saves work. Correctness needs no such lock: claims keep workers apart, here and elsewhere.
    """
    with (settings.DATA_DIR / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
