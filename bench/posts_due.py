"""`posts-due`: how long after a post is due its network has it, and what 10,000 that are due at once do to readers.

The site's own web server, worker and beat on PostgreSQL; a demo network with an allowance for each account, which it
tells as Mastodon does. Pages are asked for one after another the whole time, at rest before and after the backlog and
while it drains; the network's own moments say when it took a post.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import ceil
from statistics import median, quantiles
from typing import Any

from bench.engine import Sender, Setting, setting
from bench.limited_network import ACCOUNTS
from bench.missing import NotMeasured
from bench.processes import running
from bench.report import Bar, finish, table
from bench.site import Web, get
from healthsite.supervisor import processes

LATENCIES = 40
BACKLOG = int(os.environ.get("BENCH_POSTS_DUE_BACKLOG") or 10_000)
# So many posts of an account in so many seconds: Mastodon's 300, twenty times as often.
ALLOWANCE = 300
WINDOW = 15
REST = 12.0
_GIVES_UP = 200.0

_LATEST = 3.0
# Of the time that the allowance alone makes it take, from one window's beginning on.
_LONGEST = 1.25
_SLOWER = 1.5
# What readers ask for: a page that is there already, and one that asks the database.
PATHS = {"page": "/sleep/", "search": "/api/v1/articles/?search=sleep"}


def run() -> int:
    """Measure, print, and return the exit status."""
    network = ("bench.limited_network", "--posts", str(ALLOWANCE), "--seconds", str(WINDOW))
    with setting(*network) as found:
        sender = Sender(found.environment())
        try:
            sender.ask("prepare", names=list(ACCOUNTS))
            with found.site.web(DATABASE_URL=found.database) as web, _workers(found):
                saved, planned = _latencies(sender)
                with _Reader(web) as reader:
                    drained = _drain(sender)
        finally:
            sender.end()
    return _report(saved, planned, reader, drained)


def _latencies(sender: Sender) -> tuple[list[float], list[float]]:
    """Return how long after they are due posts are there, in seconds: saved for now, and planned."""
    # The worker has loaded the site once it has sent something.
    sender.ask("due", number=1, apart=0, ahead=0)
    return (
        sender.ask("due", number=LATENCIES, apart=0.2, ahead=0),
        sender.ask("due", number=LATENCIES, apart=0.2, ahead=3),
    )


def _drain(sender: Sender) -> dict[str, Any]:
    """Rest, let the site send what is due all at once, and rest; return what came of it and when."""
    time.sleep(REST)
    rested = time.time()
    sender.ask("fill", number=BACKLOG)
    # A window that has just begun: the allowance is whole, and how long it all takes is known.
    time.sleep(WINDOW - time.time() % WINDOW)
    began = time.time()
    sender.ask("let_out")
    while sender.ask("open") and time.time() < began + _GIVES_UP:
        time.sleep(1.0)
    ended = time.time()
    time.sleep(REST)
    arrivals = sender.ask("arrivals")
    return {
        "rested": rested,
        "began": began,
        "ended": ended,
        "arrivals": arrivals,
        **sender.ask("check", number=BACKLOG),
        **sender.ask("refused"),
    }


class _Reader:
    """Asks for pages, each kind in turn, in a thread of its own."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read)
        # By kind: when each was asked for, and how long it took.
        self.took: dict[str, list[tuple[float, float]]] = {kind: [] for kind in PATHS}
        self.failed = 0

    def __enter__(self) -> "_Reader":
        for path in PATHS.values():
            if (status := get(self._web.port, path).status) != 200:
                raise NotMeasured(f"{path} answered {status}.")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._is_over.wait(0.02):
            for kind, path in PATHS.items():
                moment, began = time.time(), time.perf_counter()
                answer = get(self._web.port, path)
                self.took[kind].append((moment, time.perf_counter() - began))
                self.failed += answer.status != 200

    def between(self, kind: str, spans: Sequence[tuple[float, float]]) -> list[float]:
        """Return what pages took that were asked for within these spans of time."""
        return [took for at, took in self.took[kind] if any(a <= at < b for a, b in spans)]


def _report(
    saved: list[float], planned: list[float], reader: _Reader, drained: dict[str, Any]
) -> int:
    began, ended = drained["began"], drained["ended"]
    last = max(drained["arrivals"], default=ended)
    rest = [(drained["rested"] - REST, drained["rested"]), (ended, ended + REST)]
    spans = {"at rest": rest, "draining": [(began, last)], "sending": _busy(drained["arrivals"])}
    found = {
        kind: {name: reader.between(kind, span) for name, span in spans.items()} for kind in PATHS
    }
    table(
        ["answered within, ms", *(f"{name}, {what}" for name in spans for what in ("median", "p95"))],
        [
            [kind, *(f"{1000 * pick(found[kind][name]):.1f}" for name in spans for pick in (median, _p95))]
            for kind in PATHS
        ],
    )  # fmt: skip
    windows = BACKLOG / (ALLOWANCE * len(ACCOUNTS))
    # The last window's posts may go out once all before it are over.
    least = (ceil(windows) - 1) * WINDOW
    seconds = last - began
    print(
        f"{BACKLOG:,} due at once: {seconds:.1f} s where the allowance takes {least} s; "
        f"{drained['refused']} requests of {BACKLOG:,} were one too many"
    )
    slower = {kind: _p95(each["draining"]) / _p95(each["at rest"]) for kind, each in found.items()}
    return finish(
        "posts-due",
        ratio=max(slower.values()),
        against="the same pages at rest, before and after, p95",
        bars=[
            Bar("saved to taken, p95 in s", _p95(saved), _LATEST, at_most=True),
            Bar("due to taken, p95 in s", _p95(planned), _LATEST, at_most=True),
            Bar("of the allowance's time", seconds / least, _LONGEST, at_most=True),
            *(
                # Everything has two cores in common here, the network and the database too.
                Bar(
                    f"{kind} while draining, p95, times",
                    times,
                    _SLOWER,
                    at_most=True,
                    is_target=True,
                )
                for kind, times in slower.items()
            ),
            Bar("pages that failed", reader.failed, 0, at_most=True),
            *(Bar(what, drained[what], 0, at_most=True) for what in ("lost", "doubled")),
        ],
        seconds=round(seconds, 1),
        refused=drained["refused"],
        p95={
            kind: {name: round(_p95(took), 4) for name, took in each.items()}
            for kind, each in found.items()
        },
    )


def _busy(arrivals: Sequence[float]) -> list[tuple[float, float]]:
    """Return the spans of time in which posts came closely after each other."""
    return [(a, b) for a, b in pairwise(arrivals) if b - a < 0.5]


@contextmanager
def _workers(found: Setting) -> Iterator[None]:
    """Run the site's own worker and beat."""
    environment, logs = found.environment(), found.site.logs
    with (
        running(processes.worker(), environment, logs / "worker.log", lambda: True),
        running(processes.beat(found.site.data), environment, logs / "beat.log", lambda: True),
    ):
        yield


def _p95(found: Sequence[float]) -> float:
    return quantiles(found, n=20)[-1] if len(found) > 1 else float("inf")
