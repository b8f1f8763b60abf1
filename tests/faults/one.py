"""One run of one fault on one database, in a process of its own: `python -m tests.faults.one NAME DATABASE`."""

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from bench.postgres import Postgres, PostgresUnavailable
from healthsite import paths
from healthsite.supervisor.failure import Failure
from tests.faults.registry import FAULTS
from tests.faults.servers import cache_server, events_server

# A run that takes longer has failed, in seconds.
DEADLINE = 480


class OutOfTime(BaseException):
    """The run took longer than it may."""


def main(name: str, database: str) -> int:
    """Return 0 when nothing was lost or doubled, 1 when something was, 2 when it cannot be run."""
    folder, seed = paths.data_dir(), int(os.environ["FAULT_SEED"])
    postgres = Postgres() if database == "postgresql" else None
    try:
        servers = [events_server(folder), cache_server(folder)]
    except Failure as reason:
        print(f"{name} on {database}: not run. {reason}")
        return 2
    try:
        if postgres is not None:
            postgres.start()
            os.environ["DATABASE_URL"] = postgres.url
        for server in servers:
            server.start()
        django.setup()
        call_command("migrate", verbosity=0)
        return _run(name, database, folder, seed, servers[0], postgres)
    except PostgresUnavailable as reason:
        print(f"{name} on {database}: not run. PostgreSQL cannot be started: {reason}")
        return 2
    finally:
        for server in servers:
            server.kill()
        if postgres is not None:
            postgres.stop()


def _run(
    name: str, database: str, folder: Path, seed: int, events: Any, postgres: Postgres | None
) -> int:
    # These need the settings.
    world = importlib.import_module("tests.faults.world").World(
        database=database, folder=folder, seed=seed, events=events, postgres=postgres
    )
    head = {"fault": name, "database": database, "seed": seed}
    begun = time.monotonic()
    print(f"{name} on {database}, FAULT_SEED={seed}", file=sys.stderr, flush=True)
    try:
        found, is_exact = importlib.import_module(FAULTS[name]).run(world)
    except OutOfTime:
        print(json.dumps(head | {"error": f"not done within {DEADLINE} s"}), flush=True)
        return 1
    finally:
        world.end_children()
    print(json.dumps(head | found | {"seconds": round(time.monotonic() - begun, 1)}), flush=True)
    return 0 if is_exact else 1


def _stop(*_: object) -> None:
    sys.exit("stopped")


def _out_of_time(*_: object) -> None:
    raise OutOfTime


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(DEADLINE)
    sys.exit(main(*sys.argv[1:]))
