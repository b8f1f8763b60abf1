"""Senders: Celery workers of the site, and processes that do in a loop what a worker does at each wake-up."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import DatabaseError, close_old_connections, connections

from healthsite.celery import app
from healthsite.supervisor.parent_death import binder
from sharing.posting import sweeping, tasks
from tests.faults import kill_points
from tests.faults.servers import ValkeyServer

logger = logging.getLogger(__name__)

_PAUSE = 0.05
_SWEEP_EVERY = 0.4


def send_in_a_loop() -> None:
    """Do what a worker does at each wake-up, for ever."""
    kill_points.become_mortal()
    while True:
        # As Celery does before and after a task (celery/fixups/django.py).
        close_old_connections()
        try:
            tasks.send_posts()
        except DatabaseError as error:
            logger.warning("the next wake-up goes on: %s", error)
            connections.close_all()
        time.sleep(_PAUSE)


def sweep_and_wake() -> None:
    """Take back what the dead held, and ask Celery's workers to send, for ever."""
    while True:
        close_old_connections()
        try:
            sweeping.release_abandoned()
        except DatabaseError as error:
            logger.warning("the next sweep goes on: %s", error)
            connections.close_all()
        try:
            app.send_task("sharing.send_posts", expires=5, retry=False)
        except Exception as error:  # noqa: BLE001 - whatever the broker's silence is called
            logger.warning("nobody was asked to send: %s", error)
        time.sleep(_SWEEP_EVERY)


def let_go_on(pid: int, seconds: float) -> None:
    """Let a stopped process go on after so long; in a process of its own, because all others may wait for it."""
    with suppress(OSError):
        handle = os.pidfd_open(pid)
        time.sleep(seconds)
        signal.pidfd_send_signal(handle, signal.SIGCONT)


class Program:
    """A program of the site that runs until it is killed, or this process ends."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=output, start_new_session=True, preexec_fn=binder()
            )

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(10)


@contextmanager
def frozen(server: ValkeyServer) -> Iterator[None]:
    """Stop a server in the middle of whatever it does, and let it go on at the end of the block."""
    process = server._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
