"""From a publish to the moment that every process shows it, under load."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from statistics import median

from bench.load import find_wrk, put_load
from bench.missing import NotMeasured
from bench.report import Bar, finish, table
from bench.site import Site, Web, article_path, site
from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor.parent_death import binder

PUBLISHES = 200


@dataclass(frozen=True)
class Seen:
    """How long each publish took to be seen by both servers, in seconds, and what was read after it."""

    seconds: list[float]
    answers: int
    stale: int


def run() -> int:
    """Measure, print, and return the exit status."""
    find_wrk()
    with site() as ours, ours.web(workers=1) as one:
        # Two servers of one process each, so that each can be asked; the site has one address.
        address = f"http://127.0.0.1:{one.port}"
        with ours.web(workers=1, SITE_URL=address) as other:
            path = article_path(one)
            ended = threading.Event()
            loads = [
                threading.Thread(target=_keep_loading, args=(web, path, one.port, ended))
                for web in (one, other)
            ]
            for load in loads:
                load.start()
            try:
                seen = _publish(ours, one, other, path)
            finally:
                ended.set()
                for load in loads:
                    load.join()
    highest = max(seen.seconds)
    table(
        ["figure", "value"],
        [
            ["publishes", str(len(seen.seconds))],
            ["from publish() to seen by both, median ms", f"{median(seen.seconds) * 1e3:.1f}"],
            ["highest ms", f"{highest * 1e3:.1f}"],
            ["answers read meanwhile", f"{seen.answers:,}"],
            ["of them older than what was published", str(seen.stale)],
        ],
    )
    bars = [
        Bar("publishes", len(seen.seconds), PUBLISHES),
        Bar("seconds until seen, highest", highest, 1.0, at_most=True),
        Bar("stale answers", seen.stale, 0, at_most=True),
    ]
    return finish("freshness", ratio=highest, against="a limit of 1 s", bars=bars)


def _keep_loading(web: Web, path: str, host: int, ended: threading.Event) -> None:
    headers = [("Accept-Encoding", "br"), ("Host", f"127.0.0.1:{host}")]
    while not ended.is_set():
        put_load(web.url(path), connections=8, seconds=1, headers=headers)


def _publish(ours: Site, one: Web, other: Web, path: str) -> Seen:
    publisher = [sys.executable, "-m", "bench.publisher", path, str(PUBLISHES)]
    done = subprocess.run(  # noqa: S603 - our own command
        [*publisher, str(one.port), str(other.port)],
        cwd=PROJECT_ROOT,
        env=ours.environment(one.port),
        capture_output=True,
        text=True,
        preexec_fn=binder(),
    )
    if done.returncode:
        raise NotMeasured(f"The publisher failed:\n{done.stderr[-2000:]}")
    return Seen(**json.loads(done.stdout.splitlines()[-1]))
