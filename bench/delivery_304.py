"""A reader who has the page: a conditional GET at 128 connections, ours and nginx's."""

from bench.load import Load, find_wrk, medians, put_load
from bench.missing import program
from bench.nginx import nginx
from bench.report import Bar, finish, table
from bench.site import article_path, site

ROUNDS = 5
CONNECTIONS = 128


def run() -> int:
    """Measure, print, and return the exit status."""
    find_wrk()
    program("nginx", "nginx-light")
    loads: dict[str, list[Load]] = {"ours": [], "nginx": []}
    with site() as ours, ours.web() as web:
        path = article_path(web)
        page = web.get(path, Accept_Encoding="br")
        with nginx(ours.data / "nginx", page.body, page.headers) as static:
            servers = {"ours": (web, path), "nginx": (static, "/page")}
            etags = {
                name: server.get(where, Accept_Encoding="br").headers["etag"]
                for name, (server, where) in servers.items()
            }
            for name, (server, where) in servers.items():
                answer = server.get(where, Accept_Encoding="br", If_None_Match=etags[name])
                if answer.status != 304:
                    raise AssertionError(f"{name} said {answer.status}")
            for _ in range(ROUNDS):
                for name, (server, where) in servers.items():
                    headers = [("Accept-Encoding", "br"), ("If-None-Match", etags[name])]
                    loads[name].append(
                        put_load(
                            server.url(where),
                            connections=CONNECTIONS,
                            seconds=3,
                            headers=headers,
                            server=server.process,
                        )
                    )
    found = {name: medians(each) for name, each in loads.items()}
    table(
        ["contestant", "requests/s", "p99 ms", "CPU µs/request"],
        [
            [n, f"{f.rate:,.0f}", f"{f.p99 * 1e3:.2f}", f"{f.cpu_per_request * 1e6:.1f}"]
            for n, f in found.items()
        ],
    )
    ratio = found["ours"].rate / found["nginx"].rate
    bars = [
        Bar("of nginx at 128 connections", ratio, 0.70, is_target=True),
        Bar("errors of ours", found["ours"].errors, 0, at_most=True),
    ]
    return finish("delivery-304", ratio=ratio, against="nginx, conditional GET", bars=bars)
