"""`drain`: how fast accepted events are counted, against a plain COPY or executemany of the same rows.

Both put the same rows into the same table of events, a commit a batch of the same size. The drain also reads
them from the stream, knows repeats, adds to the counts of days, totals and sums, keeps its position and trims
the stream; the other has its rows in memory and does nothing else.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.missing import NotMeasured
from bench.postgres import Postgres, PostgresUnavailable
from bench.report import Bar, finish, table
from bench.site import Site, start_valkeys
from healthsite import paths
from healthsite.supervisor import data_folder
from healthsite.supervisor.parent_death import binder

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
ROUNDS = 5
EVENTS = 50_000
# A backlog of each, drained by a process of its own.
BACKLOGS = {POSTGRESQL: (10_000, 1_000_000), SQLITE: (10_000, 1_000_000)}
_LEAST_RATIO = 0.5
# Of a process, from a backlog of half a batch to one of many: a batch and what is made of it is all it holds.
_MOST_GROWTH = 1.25
_PORT = 8000
# The guard looks at every event here as it does anywhere, and calls nothing a flood.
_CALM = {"SHARE_BURST_LIMIT": "1000000"}


class DrainProcess:
    """A process of the site on one database, which does what it is told."""

    module = "bench.drain_process"

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", self.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=paths.PROJECT_ROOT,
            env=dict(environment),
            preexec_fn=binder(),
        )

    def ask(self, what: str, **how: object) -> Any:
        """Return its answer; raises NotMeasured where it ended."""
        assert self._process.stdin and self._process.stdout  # noqa: S101 - for the types
        self._process.stdin.write(json.dumps({"do": what, **how}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise NotMeasured(f"The process that drains ended at “{what}”.")
        return json.loads(answer)

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def run() -> int:
    """Measure, print, and return the exit status."""
    with _databases() as environments:
        rounds = {name: _measure(name, each) for name, each in environments.items()}
        backlogs = {name: _backlogs(name, each) for name, each in environments.items()}
    rates = {
        name: {who: EVENTS / median(r[who] for r in each) for who in ("drain", "plain")}
        for name, each in rounds.items()
    }
    ratios = {name: median(r["plain"] / r["drain"] for r in each) for name, each in rounds.items()}
    growth = {name: sizes[-1] / sizes[0] for name, (sizes, _) in backlogs.items()}
    wrong = {
        what: sum(r[what] for each in rounds.values() for r in each)
        + sum(figures[what] for _, figures in backlogs.values())
        for what in ("lost", "doubled", "left")
    }
    table(
        ["database", "drain, events/s", "plain, rows/s", "ratio", "lowest", "highest"],
        [
            [
                name, f"{rate['drain']:,.0f}", f"{rate['plain']:,.0f}", f"{ratios[name]:.2f}",
                *(f"{pick(r['plain'] / r['drain'] for r in rounds[name]):.2f}" for pick in (min, max)),
            ]
            for name, rate in rates.items()
        ],
    )  # fmt: skip
    bars = [Bar(f"{name}: of plain", ratio, _LEAST_RATIO) for name, ratio in ratios.items()]
    bars += [
        Bar(
            f"{name}: memory at {BACKLOGS[name][-1]:,}, of that at 10,000",
            more,
            _MOST_GROWTH,
            at_most=True,
        )
        for name, more in growth.items()
    ]
    bars += [Bar(what, number, 0, at_most=True) for what, number in wrong.items()]
    return finish(
        "drain",
        ratio=ratios[POSTGRESQL],
        against="a plain COPY of the same rows (executemany on SQLite)",
        bars=bars,
        sqlite=round(ratios[SQLITE], 3),
        events_a_second={name: round(rate["drain"]) for name, rate in rates.items()},
        megabytes={
            name: [round(size / 1e6) for size in sizes] for name, (sizes, _) in backlogs.items()
        },
        lost=wrong["lost"],
        doubled=wrong["doubled"],
    )


def _measure(name: str, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    process = DrainProcess(environment)
    try:
        process.ask("prepare")
        found = []
        for number in range(ROUNDS):
            found.append(process.ask("round", number=EVENTS, plain_first=bool(number % 2)))
            figures = found[-1]
            print(
                f"{name}, round {number + 1}: drain {figures['drain']:.2f} s, plain {figures['plain']:.2f} s",
                flush=True,
            )
        return found
    finally:
        process.end()


def _backlogs(name: str, environment: Mapping[str, str]) -> tuple[list[int], dict[str, int]]:
    """Drain each backlog in a process of its own; return the most memory of each, and what is wrong."""
    sizes: list[int] = []
    wrong = dict.fromkeys(("lost", "doubled", "left"), 0)
    for number in BACKLOGS[name]:
        filler, drainer = DrainProcess(environment), DrainProcess(environment)
        try:
            filler.ask("targets")
            filled = filler.ask("backlog", number=number)
            seconds = drainer.ask("drain")
            sizes.append(drainer.ask("peak"))
            now = filler.ask("counted")
        finally:
            filler.end()
            drainer.end()
        for kind in ("counted", "totals", "days"):
            more = now[kind] - filled["counted"] - number
            wrong["lost"] += max(0, -more)
            wrong["doubled"] += max(0, more)
        wrong["left"] += now["left"]
        print(
            f"{name}, backlog of {number:,}: filled in {filled['seconds']:.0f} s, "
            f"drained in {seconds:.1f} s ({number / seconds:,.0f} a second), {sizes[-1] / 1e6:.1f} MB",
            flush=True,
        )
    return sizes, wrong


@contextmanager
def _databases() -> Iterator[dict[str, dict[str, str]]]:
    """Return the environment of a process on each database, both Valkeys running.

    PostgreSQL runs with fsync=off, for both contestants.
    """
    folder = Path(tempfile.mkdtemp(prefix="healthsite-bench-"))
    postgres = Postgres()
    try:
        try:
            postgres.start()
        except PostgresUnavailable as reason:
            raise NotMeasured(f"PostgreSQL cannot be started: {reason}") from reason
        data_folder.make_writable(folder)
        data_folder.make_socket_dir(folder)
        with ExitStack() as stack:
            start_valkeys(stack, folder)
            site = Site(folder)
            yield {
                POSTGRESQL: site.environment(_PORT, DATABASE_URL=postgres.url, **_CALM),
                SQLITE: site.environment(_PORT, **_CALM),
            }
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
