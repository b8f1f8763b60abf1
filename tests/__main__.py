"""Run the whole suite: everything on SQLite, and on PostgreSQL what may go otherwise there.

That is every test that uses a database or starts processes, but for modules marked `any_database`: they look at
pages, headers, files and typed words, and what they ask the database is asked by other tests too. Whatever writes
statements, locks, limits, transactions or migrations of its own is not marked, and a test that commits
(`transaction=True`) runs on both in any case (`--database-only`, tests/services.py).

Three lanes go on side by side: most machines have two cores, and each lane waits for others' processes a third of
its time. The output of the second and third follows the first's. Arguments go to every run.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO

from healthsite.supervisor.parent_death import binder

WITH_A_DATABASE = ["tests/articles", "tests/backup", "tests/delivery", "tests/mail", "tests/sharing",
                   "tests/site"]  # fmt: skip
# These commit, and then ask for what never comes to a database.
WITHOUT_ONE = ["tests/delivery/test_bad_requests.py", "tests/delivery/test_places.py",
               "tests/sharing/networks"]  # fmt: skip
# On SQLite, but in a lane of their own, so that all end at about the same time.
APART = ["tests/supervisor", "tests/production", "tests/backup", "tests/delivery",
         "tests/sharing/networks"]  # fmt: skip
BROWSER = ["tests/browser"]

# For each run of a lane: its database, and what to collect.
Lane = Sequence[tuple[str, Sequence[str]]]
LANES: Sequence[Lane] = [
    [("sqlite", [f"--ignore={folder}" for folder in [*BROWSER, *APART]])],
    [
        (
            "postgres",
            [
                "--database-only",
                *WITH_A_DATABASE,
                *(f"--ignore={path}" for path in WITHOUT_ONE),
            ],
        )
    ],
    [("sqlite", BROWSER), ("sqlite", APART)],
]

_ENDED = -1


def _go(lane: Lane, arguments: Sequence[str], output: IO[bytes] | None) -> Iterator[int | None]:
    """Run a lane; yield None while a run goes on, and its result once it has ended."""
    for database, collected in lane:
        with subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, *collected],
            env=os.environ | {"TEST_DATABASE": database},
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            preexec_fn=binder(),
        ) as run:
            while run.poll() is None:
                yield None
            yield run.returncode


def main(arguments: list[str]) -> int:
    """Return 0 when every run passed."""
    results: set[int] = set()
    with ExitStack() as stack:
        # One run migrates a SQLite database, the others take a copy.
        os.environ["TEST_MIGRATED"] = stack.enter_context(tempfile.TemporaryDirectory())
        logs = [stack.enter_context(tempfile.TemporaryFile()) for _ in LANES[1:]]
        lanes = [_go(lane, arguments, log) for lane, log in zip(LANES, [None, *logs], strict=True)]
        try:
            while lanes:
                for lane in list(lanes):
                    result = next(lane, _ENDED)
                    if result is _ENDED:
                        lanes.remove(lane)
                    elif result is not None:
                        results.add(result)
                time.sleep(0.1)
        except KeyboardInterrupt:
            # It reached the runs too: they tidy up and end.
            for lane in lanes:
                while next(lane, _ENDED) is None:
                    time.sleep(0.1)
            return 130
        for log in logs:
            log.seek(0)
            sys.stdout.write(log.read().decode(errors="replace"))
    # 5: nothing was selected by the arguments, which some runs may well say.
    return 0 if 0 in results and results <= {0, 5} else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
