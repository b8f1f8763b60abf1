"""Tasks for the tests of chores; each tells a file that it ran."""

import os
import signal
from pathlib import Path

from django_tasks import task


@task()
def note(file: str, word: str) -> None:
    """Add a word to a file."""
    with Path(file).open("a") as stream:
        stream.write(f"{word}\n")


@task()
def fail(file: str, word: str) -> None:
    """Add a word to a file, and fail."""
    note.call(file, word)
    raise ConnectionError(f"no {word} today")


@task()
def die_once(file: str, word: str) -> None:
    """Add a word to a file; the first process that does is killed in the middle."""
    is_first = not Path(file).exists()
    note.call(file, word)
    if is_first:
        os.kill(os.getpid(), signal.SIGKILL)
