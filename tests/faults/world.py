"""What a fault runs in: a database, the servers, a source of chance, and the processes it starts."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

from django.db import connections

from bench.postgres import Postgres
from healthsite.supervisor.parent_death import bind
from sharing import valkey
from tests.faults.servers import ValkeyServer

# Forked, a process has the site loaded from its first moment.
forking = multiprocessing.get_context("fork")


@dataclass
class World:
    """One run of one fault on one database."""

    database: str
    folder: Path
    seed: int
    events: ValkeyServer
    postgres: Postgres | None
    chance: Random = field(init=False)
    _children: list[BaseProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)

    def fork(self, work: Callable[..., None], *arguments: Any, log: str) -> BaseProcess:
        """Run a function in a process of its own, which ends with this one; what it says goes to a log."""
        # An open connection would be shared.
        connections.close_all()
        child = forking.Process(
            target=_begin, args=(os.getpid(), self.folder / f"{log}.log", work, arguments)
        )
        child.start()
        self._children.append(child)
        return child

    def end_children(self) -> None:
        """Kill every process that was forked and still runs."""
        for child in self._children:
            if child.is_alive():
                child.kill()
            child.join(10)

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition; return whether it held within so many seconds."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def say(self, text: str) -> None:
        """Tell who watches how far it is."""
        print(f"  {self.database}: {text}", file=sys.stderr, flush=True)


def forget_connections() -> None:
    """Make the next question to a Valkey a new connection's."""
    for factory in (valkey.events, valkey.events_for_jobs, valkey.volatile):
        factory.cache_clear()


def _begin(parent: int, log: Path, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    if not bind(parent):
        return
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    forget_connections()
    work(*arguments)
