"""`engine`: how fast posts that are due are sent, against the client alone with the same requests.

Both ask one demo network, in a process of its own, over loopback and with as many requests in flight. The engine
also claims, prepares, arms and records each delivery, on PostgreSQL.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.drain import DrainProcess
from bench.missing import NotMeasured
from bench.postgres import Postgres, PostgresUnavailable
from bench.processes import Process, free_port, running
from bench.report import Bar, finish, table
from bench.site import Site, start_valkeys
from healthsite.supervisor import data_folder

ROUNDS = 5
POSTS = 1_000
ONE_BY_ONE = 150
# As the engine's own: sharing.posting.engine.IN_FLIGHT.
IN_FLIGHT = 32
# The demo network's module, and what it is started with.
NETWORK = ("sharing.networks.demo", "--control")

_LEAST_RATIO = 0.5
_LEAST_TIMES = 5.0
_PORT = 8000


class Sender(DrainProcess):
    """A process of the site that sends, or asks with the client alone, as it is told."""

    module = "bench.engine_process"


@dataclass(frozen=True)
class Setting:
    """What everything runs on."""

    site: Site
    database: str
    network: Process
    netloc: str

    def environment(self) -> dict[str, str]:
        """Return what the processes of the site inherit."""
        return self.site.environment(
            _PORT, DATABASE_URL=self.database, POSTING_TRUSTED_HOSTS=self.netloc
        )


def run() -> int:
    """Measure, print, and return the exit status."""
    with setting(*NETWORK) as found:
        sender = Sender(found.environment())
        try:
            sender.ask("prepare")
            rounds = _rounds(sender, found.network)
            alone = [sender.ask("send", number=ONE_BY_ONE, in_flight=1) for _ in range(3)]
        finally:
            sender.end()
    engine = median(POSTS / each["engine"]["seconds"] for each in rounds)
    raw = median(POSTS / each["raw"]["seconds"] for each in rounds)
    ratio = median(each["raw"]["seconds"] / each["engine"]["seconds"] for each in rounds)
    one = median(ONE_BY_ONE / each["seconds"] for each in alone)
    sent = [*(each["engine"] for each in rounds), *alone]
    wrong = {what: sum(each[what] for each in sent) for what in ("lost", "doubled")}
    table(
        ["posts a second", "median", "lowest", "highest"],
        [
            _row("client alone", [POSTS / each["raw"]["seconds"] for each in rounds]),
            _row("engine", [POSTS / each["engine"]["seconds"] for each in rounds]),
            _row("engine, one at a time", [ONE_BY_ONE / each["seconds"] for each in alone]),
        ],
    )
    print(f"the network's own process was at work for {_busy(rounds):.0%} of the client's time")
    return finish(
        "engine",
        ratio=ratio,
        against="the client alone, with the same requests and as many in flight",
        bars=[
            Bar("of the client alone", ratio, _LEAST_RATIO),
            Bar("times one at a time", engine / one, _LEAST_TIMES),
            *(Bar(what, number, 0, at_most=True) for what, number in wrong.items()),
        ],
        posts_a_second={"engine": round(engine), "raw": round(raw), "one": round(one)},
        **wrong,
    )


def _rounds(sender: Sender, network: Process) -> list[dict[str, Any]]:
    """Let both take turns."""
    found = []
    for number in range(ROUNDS):
        each: dict[str, Any] = {}
        for who in ("raw", "engine") if number % 2 else ("engine", "raw"):
            before = network.cpu_seconds()
            do = "ask" if who == "raw" else "send"
            each[who] = sender.ask(do, number=POSTS, in_flight=IN_FLIGHT)
            each[who]["network"] = network.cpu_seconds() - before
        found.append(each)
        print(
            f"round {number + 1}: "
            + ", ".join(
                f"{who} {each[who]['seconds']:.2f} s (CPU {each[who]['cpu']:.2f} s)"
                for who in ("raw", "engine")
            ),
            flush=True,
        )
    return found


@contextmanager
def setting(*network: str) -> Iterator[Setting]:
    """Run PostgreSQL, both Valkeys and a network, a module with its arguments, until the end of the block."""
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
            site, port = Site(folder), free_port()
            log = site.logs / "network.log"
            process = stack.enter_context(
                running(
                    [sys.executable, "-m", *network, "--port", str(port)],
                    site.environment(_PORT),
                    log,
                    lambda: "ready" in log.read_text(),
                )
            )
            yield Setting(site, postgres.url, process, f"127.0.0.1:{port}")
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _busy(rounds: Sequence[dict[str, Any]]) -> float:
    return float(median(each["raw"]["network"] / each["raw"]["seconds"] for each in rounds))


def _row(name: str, rates: Sequence[float]) -> list[str]:
    return [name, *(f"{pick(rates):,.0f}" for pick in (median, min, max))]
