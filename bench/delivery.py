"""The article page, brotli, keep-alive: ours, nginx with the same bytes, Django's page cache, plain Wagtail."""

import time
from collections import defaultdict
from collections.abc import Sequence

from bench.load import Load, find_wrk, medians, put_load
from bench.missing import program
from bench.nginx import nginx
from bench.report import Bar, finish, table
from bench.site import PAGE_CACHE, PLAIN, Web, article_path, site

ROUNDS = 5
SECONDS = 2
CONNECTIONS = (32, 128)
BROTLI = [("Accept-Encoding", "br")]


def run() -> int:
    """Measure, print, and return the exit status."""
    find_wrk()
    program("nginx", "nginx-light")
    with (
        site() as ours,
        ours.web() as web,
        ours.web(PLAIN) as plain,
        ours.web(PAGE_CACHE) as cached,
    ):
        path = article_path(web)
        page = web.get(path, Accept_Encoding="br")
        if page.headers.get("content-encoding") != "br":
            raise AssertionError("the article page did not come as brotli")
        folders = [ours.data / name for name in ("nginx", "nginx-open-files")]
        with (
            nginx(folders[0], page.body, page.headers) as static,
            nginx(folders[1], page.body, page.headers, more="open_file_cache max=16;") as opened,
        ):
            found = measure(
                [
                    ("ours", web, path, CONNECTIONS),
                    ("nginx", static, "/page", CONNECTIONS),
                    # For comparison alone: nginx that keeps the file open between requests.
                    ("nginx, open files", opened, "/page", CONNECTIONS[1:]),
                    ("page cache", cached, path, CONNECTIONS[:1]),
                    ("plain", plain, path, CONNECTIONS[:1]),
                ]
            )
    return _report(found, len(page.body))


def measure(
    contestants: Sequence[tuple[str, Web, str, Sequence[int]]],
) -> dict[tuple[str, int], Load]:
    """Let servers take turns, each with its numbers of connections; return medians by name and number."""
    loads: defaultdict[tuple[str, int], list[Load]] = defaultdict(list)
    for name, server, path, _ in contestants:
        put_load(server.url(path), connections=8, seconds=1, headers=BROTLI)
        print(f"{name}: warm")
    for number in range(ROUNDS):
        for connections in CONNECTIONS:
            for name, server, path, wanted in contestants:
                if connections in wanted:
                    loads[name, connections].append(
                        put_load(
                            server.url(path),
                            connections=connections,
                            seconds=SECONDS,
                            headers=BROTLI,
                            server=server.process,
                        )
                    )
                    # What wrk left unanswered is not to run into the next one's turn.
                    time.sleep(0.5)
        print(f"round {number + 1} of {ROUNDS}", flush=True)
    return {key: medians(each) for key, each in loads.items()}


def _report(found: dict[tuple[str, int], Load], size: int) -> int:
    table(
        ["contestant", "connections", "requests/s", "p99 ms", "CPU µs/request", "errors"],
        [
            [
                name,
                str(connections),
                f"{load.rate:,.0f}",
                f"{load.p99 * 1e3:.2f}",
                f"{load.cpu_per_request * 1e6:.1f}",
                str(load.errors),
            ]
            for (name, connections), load in found.items()
        ],
    )
    ratio = {c: found["ours", c].rate / found["nginx", c].rate for c in CONNECTIONS}
    bars = [
        Bar("of nginx at 32 connections", ratio[32], 0.50),
        Bar("of nginx at 128 connections", ratio[128], 0.70),
    ]
    for c in CONNECTIONS:
        ours, static = found["ours", c], found["nginx", c]
        bars += [
            Bar(
                f"CPU of nginx's at {c}",
                ours.cpu_per_request / static.cpu_per_request,
                2.2,
                at_most=True,
            ),
            Bar(f"p99 of nginx's at {c}", ours.p99 / static.p99, 2.0, at_most=True),
        ]
    best = max(found["ours", c].rate for c in CONNECTIONS)
    slow = {name: found[name, CONNECTIONS[0]].rate for name in ("page cache", "plain")}
    bars += [
        Bar("times Django's page cache", best / slow["page cache"], 20),
        Bar("times plain Wagtail", best / slow["plain"], 150),
        Bar("errors of ours", sum(found["ours", c].errors for c in CONNECTIONS), 0, at_most=True),
    ]
    return finish(
        "delivery",
        ratio=ratio[32],
        against="nginx, the same brotli file",
        bars=bars,
        bytes=size,
        of_nginx_with_open_files=round(
            found["ours", 128].rate / found["nginx, open files", 128].rate, 3
        ),
    )
