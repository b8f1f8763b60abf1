"""The counts of a page as JSON: ours, and nginx serving the same bytes."""

import json

from bench.load import Load, find_wrk, medians, put_load
from bench.missing import program
from bench.nginx import nginx
from bench.report import Bar, finish, table
from bench.site import article_path, site

ROUNDS = 5
CONNECTIONS = (32, 128)


def run() -> int:
    """Measure, print, and return the exit status."""
    find_wrk()
    program("nginx", "nginx-light")
    loads: dict[tuple[str, int], list[Load]] = {}
    with site() as ours, ours.web() as web:
        slug = article_path(web).strip("/")
        code = json.loads(web.get(f"/api/v1/articles/{slug}/").body)["share_code"]
        path = f"/api/v1/share-counts/{code}/"
        answer = web.get(path, Accept_Encoding="br")
        if answer.status != 200:
            raise AssertionError(f"{path} said {answer.status}")
        with nginx(ours.data / "nginx", answer.body, answer.headers) as static:
            servers = {"ours": (web, path), "nginx": (static, "/page")}
            for _ in range(ROUNDS):
                for connections in CONNECTIONS:
                    for name, (server, where) in servers.items():
                        loads.setdefault((name, connections), []).append(
                            put_load(
                                server.url(where),
                                connections=connections,
                                seconds=3,
                                headers=[("Accept-Encoding", "br")],
                                server=server.process,
                            )
                        )
    found = {key: medians(each) for key, each in loads.items()}
    table(
        ["contestant", "connections", "requests/s", "p99 ms", "CPU µs/request"],
        [
            [n, str(c), f"{f.rate:,.0f}", f"{f.p99 * 1e3:.2f}", f"{f.cpu_per_request * 1e6:.1f}"]
            for (n, c), f in found.items()
        ],
    )
    ratio = {c: found["ours", c].rate / found["nginx", c].rate for c in CONNECTIONS}
    bars = [
        *(Bar(f"of nginx at {c} connections", ratio[c], 0.50, is_target=True) for c in CONNECTIONS),
        Bar("errors of ours", sum(found["ours", c].errors for c in CONNECTIONS), 0, at_most=True),
    ]
    return finish("counts-read", ratio=ratio[32], against="nginx, the same bytes", bars=bars)
