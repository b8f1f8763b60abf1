"""A share intent, answered after it was written down: ours, and a bare Django view that does one XADD."""

import json
import time

import redis

from bench.load import Load, find_wrk, medians, put_load
from bench.report import Bar, finish, table
from bench.site import BARE_WRITE, READER, article_path, site
from healthsite import paths

ROUNDS = 5
SECONDS = 3
CONNECTIONS = 32
NETWORK = "bluesky"

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
            recorded_before = _recorded(client)
            number = 0
            for _ in range(ROUNDS):
                for name, server in (("ours", web), ("bare XADD", bare)):
                    number += 1
                    loads[name].append(
                        put_load(
                            server.url(path),
                            connections=CONNECTIONS,
                            seconds=SECONDS,
                            script=_VISITORS % (number * _APART, READER),
                            server=server.process,
                        )
                    )
            # What was asked for at the last moment may still be on its way.
            time.sleep(1)
            recorded = _recorded(client) - recorded_before
            client.close()
    answered = sum(load.requests for load in loads["ours"])
    lost = max(0, answered - recorded)
    found = {name: medians(each) for name, each in loads.items()}
    table(
        ["contestant", "requests/s", "p99 ms", "CPU µs/request"],
        [
            [n, f"{f.rate:,.0f}", f"{f.p99 * 1e3:.2f}", f"{f.cpu_per_request * 1e6:.1f}"]
            for n, f in found.items()
        ],
    )
    print(f"{answered:,} were answered, {recorded:,} are in the stream")
    ratio = found["ours"].rate / found["bare XADD"].rate
    bars = [
        Bar("of a bare view", ratio, 0.70),
        Bar("lost", lost, 0, at_most=True),
        Bar("errors of ours", found["ours"].errors, 0, at_most=True),
    ]
    return finish(
        "share-write",
        ratio=ratio,
        against="a bare Django view that does one XADD",
        bars=bars,
        answered=answered,
        recorded=recorded,
        lost=lost,
    )


def _recorded(client: "redis.Redis") -> int:
    """Return how many events are in the site's stream; nothing drains it here."""
    return sum(
        int(client.xlen(name)) for name in client.scan_iter(_type="stream") if name != b"bench:bare"
    )
