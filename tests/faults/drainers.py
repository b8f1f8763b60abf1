"""Drainers: Celery workers of the site, and processes that do in a loop what a worker does at each sweep."""

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from django.db import DatabaseError, close_old_connections, connections

from healthsite.celery import app
from healthsite.supervisor.parent_death import binder
from sharing import tasks
from tests.faults import kill_points

logger = logging.getLogger(__name__)

CONCURRENCY = 2
SWEEP_EVERY = 0.1


class CeleryWorker:
    """A real worker with its pool of processes."""

    def __init__(self, folder: Path) -> None:
        with (folder / "celery.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "healthsite.celery", "worker",
                 "--concurrency", str(CONCURRENCY), "--loglevel", "WARNING",
                 "--without-gossip", "--without-mingle", "-n", f"{time.monotonic_ns()}@%h"],
                stdout=log, stderr=log, env=os.environ | {kill_points.MORTAL: "1"},
                start_new_session=True, preexec_fn=binder(),
            )  # fmt: skip

    @property
    def is_up(self) -> bool:
        """Tell whether it runs and has its pool."""
        return self._process.poll() is None and len(self._pool()) >= CONCURRENCY

    @property
    def has_ended(self) -> bool:
        """Tell whether it is gone."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """Kill the worker with its pool at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def kill_one_of_pool(self, number: int) -> bool:
        """Kill one process of the pool, which the worker replaces; return whether there was one."""
        pool = sorted(self._pool())
        return bool(pool) and self._kill_child(pool[number % len(pool)])

    def _pool(self) -> list[int]:
        found: list[int] = []
        with suppress(OSError):
            for task in Path(f"/proc/{self._process.pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        return found

    def _kill_child(self, pid: int) -> bool:
        """Kill a process if it is still the worker's child: an id may be somebody else's by now."""
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return False
        try:
            if pid not in self._pool():
                return False
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True


def drain_in_a_loop() -> None:
    """Do what a worker does at each sweep, for ever."""
    kill_points.become_mortal()
    while True:
        # As Celery does before and after a task (celery/fixups/django.py).
        close_old_connections()
        try:
            tasks.drain_events()
        except DatabaseError as error:
            logger.warning("the next sweep goes on: %s", error)
            connections.close_all()
        time.sleep(SWEEP_EVERY / 2)


def ask_for_sweeps() -> None:
    """Be beat: ask workers for a sweep, for ever."""
    while True:
        try:
            app.send_task("sharing.drain_events", expires=5, retry=False)
        except Exception as error:  # noqa: BLE001 - whatever the broker's silence is called
            logger.warning("no sweep was asked for: %s", error)
            time.sleep(SWEEP_EVERY)
        time.sleep(SWEEP_EVERY)
