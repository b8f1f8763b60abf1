"""`engine`: how fast posts that are due are sent, against the client alone with the same requests.

Both ask one demo network, in a process of its own, over loopback and with as many requests in flight. The engine
also claims, prepares, arms and records each delivery, on PostgreSQL. Then the site's own worker and beat run: how
long after a post is due its network has it, and what many that are due at once do to readers.
"""

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.drain import DrainProcess
from bench.missing import NotMeasured
from bench.postgres import Postgres, PostgresUnavailable
from bench.processes import Process, free_port, running
from bench.report import Bar, finish, table
from bench.site import Site, Web, get, start_valkeys
from healthsite.supervisor import data_folder, processes

ROUNDS = 5
POSTS = 1_000
ONE_BY_ONE = 150
# As the engine's own: sharing.posting.engine.IN_FLIGHT.
IN_FLIGHT = 32
LATENCIES = 40
BACKLOG = int(os.environ.get("BENCH_ENGINE_BACKLOG") or 10_000)

_LEAST_RATIO = 0.5
_LEAST_TIMES = 5.0
# In seconds.
_LATEST = 3.0
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
    with _setting() as setting:
        sender = Sender(setting.environment())
        try:
            sender.ask("prepare")
            rounds = _rounds(sender, setting)
            alone = [sender.ask("send", number=ONE_BY_ONE, in_flight=1) for _ in range(3)]
            with _worker(setting):
                saved, planned = _latencies(sender)
                drained = _backlog(sender, setting)
        finally:
            sender.end()
    engine = median(POSTS / each["engine"]["seconds"] for each in rounds)
    raw = median(POSTS / each["raw"]["seconds"] for each in rounds)
    ratio = median(each["raw"]["seconds"] / each["engine"]["seconds"] for each in rounds)
    one = median(ONE_BY_ONE / each["seconds"] for each in alone)
    sent = [*(each["engine"] for each in rounds), *alone, drained]
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
            Bar("saved to taken, p95 in s", _p95(saved), _LATEST, at_most=True),
            Bar("due to taken, p95 in s", _p95(planned), _LATEST, at_most=True),
            *(Bar(what, number, 0, at_most=True) for what, number in wrong.items()),
        ],
        posts_a_second={"engine": round(engine), "raw": round(raw), "one": round(one)},
        backlog={name: round(value, 3) for name, value in drained.items()},
        **wrong,
    )


def _rounds(sender: Sender, setting: Setting) -> list[dict[str, Any]]:
    """Let both take turns."""
    found = []
    for number in range(ROUNDS):
        each: dict[str, Any] = {}
        for who in ("raw", "engine") if number % 2 else ("engine", "raw"):
            before = setting.network.cpu_seconds()
            do = "ask" if who == "raw" else "send"
            each[who] = sender.ask(do, number=POSTS, in_flight=IN_FLIGHT)
            each[who]["network"] = setting.network.cpu_seconds() - before
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


def _latencies(sender: Sender) -> tuple[list[float], list[float]]:
    """Return how long after they are due posts are there, in seconds: saved for now, and planned."""
    # The worker has loaded the site once it has sent something.
    sender.ask("due", number=1, apart=0, ahead=0)
    return (
        sender.ask("due", number=LATENCIES, apart=0.2, ahead=0),
        sender.ask("due", number=LATENCIES, apart=0.2, ahead=3),
    )


def _backlog(sender: Sender, setting: Setting) -> dict[str, float]:
    """Let the worker send what is due all at once, and ask for pages before and meanwhile."""
    with setting.site.web(DATABASE_URL=setting.database) as web:
        before = _ask_for_pages(web, lambda: True, 3.0)
        sender.ask("fill", number=BACKLOG)
        began = time.monotonic()
        is_open = _Watch(sender)
        with is_open:
            meanwhile = _ask_for_pages(web, lambda: is_open.value, 120.0)
        seconds = time.monotonic() - began
    found: dict[str, float] = sender.ask("check", number=BACKLOG)
    print(
        f"{BACKLOG:,} due at once: {seconds:.1f} s, {BACKLOG / seconds:.0f} a second; "
        f"a page, p95: {_p95(before) * 1000:.1f} ms before, {_p95(meanwhile) * 1000:.1f} ms meanwhile",
        flush=True,
    )
    return found | {
        "number": BACKLOG,
        "seconds": seconds,
        "page_before": _p95(before),
        "page_meanwhile": _p95(meanwhile),
    }


class _Watch:
    """Looks whether deliveries are open, in a thread of its own."""

    def __init__(self, sender: Sender) -> None:
        self.value = True
        self._sender = sender
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _look(self) -> None:
        ends = time.monotonic() + 120
        while self._sender.ask("open") and time.monotonic() < ends:
            time.sleep(0.25)
        self.value = False


def _ask_for_pages(web: Web, goes_on: Any, seconds: float) -> list[float]:
    found = []
    ends = time.monotonic() + seconds
    while goes_on() and time.monotonic() < ends:
        began = time.monotonic()
        get(web.port, "/")
        found.append(time.monotonic() - began)
        time.sleep(0.02)
    return found


@contextmanager
def _worker(setting: Setting) -> Iterator[None]:
    """Run the site's own worker and beat."""
    environment, logs = setting.environment(), setting.site.logs
    with (
        running(processes.worker(), environment, logs / "worker.log", lambda: True),
        running(processes.beat(setting.site.data), environment, logs / "beat.log", lambda: True),
    ):
        yield


@contextmanager
def _setting() -> Iterator[Setting]:
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
            network = stack.enter_context(
                running(
                    [
                        sys.executable,
                        "-m",
                        "sharing.networks.demo",
                        "--port",
                        str(port),
                        "--control",
                    ],
                    site.environment(_PORT),
                    site.logs / "network.log",
                    lambda: "ready" in (site.logs / "network.log").read_text(),
                )
            )
            yield Setting(site, postgres.url, network, f"127.0.0.1:{port}")
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _busy(rounds: Sequence[dict[str, Any]]) -> float:
    return float(median(each["raw"]["network"] / each["raw"]["seconds"] for each in rounds))


def _row(name: str, rates: Sequence[float]) -> list[str]:
    return [name, *(f"{pick(rates):,.0f}" for pick in (median, min, max))]


def _p95(found: Sequence[float]) -> float:
    return quantiles(found, n=20)[-1]
