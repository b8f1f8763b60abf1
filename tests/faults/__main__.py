"""`python -m tests.faults [NAME]`: run one fault, or all, on SQLite and on PostgreSQL."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor.parent_death import binder
from tests.faults.registry import DATABASES, FAULTS

# What a run must not take from the shell that starts it.
_OUR_VARIABLES = (
    "SITE_URL", "REDIS_URL", "CACHE_URL", "DATABASE_URL", "DATABASE_PASSWORD", "ALLOWED_HOSTS", "DEBUG",
    "PORT", "SHARE_COUNT_MIN", "TIME_ZONE", "FRESHNESS_FILE",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Return 0 when nothing was lost or doubled, 1 when something was, 2 when a run was not possible."""
    names = arguments or list(FAULTS)
    if unknown := [name for name in names if name not in FAULTS]:
        print(f"There is no fault {unknown[0]!r}. There are: {', '.join(FAULTS)}.")
        return 2
    seed = os.environ.get("FAULT_SEED") or str(random.randrange(1_000_000))
    if not seed.isdecimal():
        print(f"FAULT_SEED takes a whole number, not {seed!r}.")
        return 2
    statuses = [_run(name, database, seed) for name in names for database in DATABASES]
    return max(statuses, key=(0, 2, 1).index)


def _run(name: str, database: str, seed: str) -> int:
    """Run a fault on a database in a process, and a folder, of its own."""
    # /tmp itself: a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="hs-fault-", dir="/tmp"))
    environment = {key: value for key, value in os.environ.items() if key not in _OUR_VARIABLES}
    environment |= {
        "HEALTHSITE_DATA": str(folder),
        "FRESHNESS_FILE": str(folder / "freshness"),
        "SECRET_KEY": "a key for faults alone, of at least fifty characters, never used",
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "FAULT_SEED": seed,
    }
    process = None
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.one", name, database],
            cwd=PROJECT_ROOT,
            env=environment,
            preexec_fn=binder(),
        )
        status = process.wait()
    finally:
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return status if status in {0, 2} else 1


def _stop(*_: object) -> None:
    sys.exit("stopped")


if __name__ == "__main__":
    # Leave through every `finally`, which ends what was started.
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    sys.exit(main(sys.argv[1:]))
