"""A share intent, answered after it was written down: ours, and a bare Django view that does one XADD."""

import itertools
import json
import threading
import time
from collections import Counter
from typing import Any

import redis

from bench.load import Load, find_wrk, medians, put_load
from bench.report import Bar, finish, table
from bench.site import BARE_WRITE, READER, Web, article_path, site
from healthsite import paths

ROUNDS = 5
SECONDS = 3
CONNECTIONS = 32
NETWORK, WITNESSED = "bluesky", "facebook"
# As in sharing/stream.py, which needs Django.
_STREAM = "share-events"
_NUMBERS = itertools.count()

# Each request is another visitor's: a repeat on the same day is not counted.
_VISITORS = """
local number = %d
request = function()
  number = number + 1
  local address = string.format("10.%%d.%%d.%%d",
    math.floor(number / 65536) %% 256, math.floor(number / 256) %% 256, number %% 256)
  return wrk.format("GET", nil, {["X-Forwarded-For"] = address, ["User-Agent"] = "%s"})
end
"""
# Visitors of one run of wrk; more than it can ask for.
_APART = 400_000


def run() -> int:
    """Measure, print, and return the exit status."""
    find_wrk()
    loads: dict[str, list[Load]] = {"ours": [], "bare XADD": []}
    with site() as ours:
        events_url = f"unix://{paths.events_socket(ours.data)}?db=0"
        with (
            ours.web(TRUST_PROXY_HEADERS="1") as web,
            ours.web(BARE_WRITE, BENCH_EVENTS_URL=events_url) as bare,
        ):
            slug = article_path(web).strip("/")
            code = json.loads(web.get(f"/api/v1/articles/{slug}/").body)["share_code"]
            path = f"/share/{code}/{NETWORK}/"
            for server in (web, bare):
                if (status := server.get(path).status) != 303:
                    raise AssertionError(f"{path} said {status}")
            client = redis.Redis.from_url(events_url)
            before = _recorded(client)
            number = seen = 0
            for _ in range(ROUNDS):
                number += 1
                # It has a witness too, who takes as much of the machine.
                with Witness(bare, path):
                    loads["bare XADD"].append(_load(bare, path, number))
                number += 1
                with Witness(web, f"/share/{code}/{WITNESSED}/") as witness:
                    loads["ours"].append(_load(web, path, number))
                seen += witness.answered
            # What was asked for at the last moment may still be on its way.
            time.sleep(1)
            recorded = _recorded(client)
            recorded.subtract(before)
            client.close()
    answered = sum(load.requests for load in loads["ours"])
    # wrk does not count what it left unanswered at its end; the witness counts exactly.
    lost = max(0, answered - recorded[NETWORK]) + max(0, seen - recorded[WITNESSED])
    doubled = max(0, recorded[WITNESSED] - seen)
    found = {name: medians(each) for name, each in loads.items()}
    table(
        ["contestant", "requests/s", "p99 ms", "CPU µs/request"],
        [
            [n, f"{f.rate:,.0f}", f"{f.p99 * 1e3:.2f}", f"{f.cpu_per_request * 1e6:.1f}"]
            for n, f in found.items()
        ],
    )
    print(
        f"wrk: {answered:,} answered, {recorded[NETWORK]:,} in the stream; "
        f"witness: {seen:,} answered, {recorded[WITNESSED]:,} in the stream"
    )
    ratio = found["ours"].rate / found["bare XADD"].rate
    bars = [
        Bar("of a bare view", ratio, 0.70),
        Bar("lost", lost, 0, at_most=True),
        Bar("doubled", doubled, 0, at_most=True),
        Bar("errors of ours", found["ours"].errors, 0, at_most=True),
    ]
    return finish(
        "share-write",
        ratio=ratio,
        against="a bare Django view that does one XADD",
        bars=bars,
        answered=answered + seen,
        lost=lost,
        doubled=doubled,
    )


def _load(web: Web, path: str, number: int) -> Load:
    return put_load(
        web.url(path),
        connections=CONNECTIONS,
        seconds=SECONDS,
        script=_VISITORS % (number * _APART, READER),
        server=web.process,
    )


class Witness:
    """One more visitor after another, on a network of their own, each answer counted."""

    def __init__(self, web: Web, path: str) -> None:
        self.answered = 0
        self._web, self._path = web, path
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._share)

    def __enter__(self) -> "Witness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _share(self) -> None:
        while not self._ended.is_set():
            number = next(_NUMBERS)
            visitor = f"172.16.{number // 256 % 256}.{number % 256}"
            answer = self._web.get(self._path, X_Forwarded_For=visitor)
            self.answered += answer.status == 303
            time.sleep(0.005)


def _recorded(client: "redis.Redis") -> Counter[str]:
    """Return how many events of each channel are in the site's stream; nothing drains it here."""
    found: Counter[str] = Counter()
    entries: Any = client.xrange(_STREAM)
    for _, fields in entries:
        # The last of its words, as in sharing/stream.py.
        found[fields[b"event"].decode().rpartition(" ")[2]] += 1
    return found
