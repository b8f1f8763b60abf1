"""From the start of the web server to its first page, and the memory of a worker."""

import time
from statistics import median

from bench.load import find_wrk, put_load
from bench.report import Bar, finish, table
from bench.site import article_path, site

ROUNDS = 7
# The last rounds also tell the memory of both workers.
MEASURED = 2


def run() -> int:
    """Measure, print, and return the exit status."""
    find_wrk()
    seconds: list[float] = []
    memory: list[float] = []
    together: list[float] = []
    with site() as ours:
        with ours.web() as web:
            path = article_path(web)
        for number in range(ROUNDS):
            begun = time.monotonic()
            with ours.web(ready=path) as web:
                seconds.append(time.monotonic() - begun)
                if number < ROUNDS - MEASURED:
                    continue
                # Each address beside the page too, so that Django has been through all of it.
                for other in (
                    path,
                    "/",
                    f"{path}print/",
                    "/privacy/",
                    "/api/v1/articles/",
                    f"{path}?x=1",
                ):
                    put_load(web.url(other), connections=4, seconds=1)
                sizes = sorted(web.process.memory().values())
                memory += [size / 1e6 for size in sizes[-2:]]
                together.append(sum(sizes) / 1e6)
    table(
        ["figure", "median", "highest"],
        [
            ["first page, s", f"{median(seconds):.2f}", f"{max(seconds):.2f}"],
            ["memory of a worker (PSS), MB", f"{median(memory):.0f}", f"{max(memory):.0f}"],
            ["both and their parent, MB", f"{median(together):.0f}", f"{max(together):.0f}"],
        ],
    )
    bars = [
        Bar("seconds to the first page", median(seconds), 3.0, at_most=True),
        Bar("megabytes of a web worker", median(memory), 130.0, at_most=True),
    ]
    return finish("cold", ratio=median(seconds) / 3.0, against="a limit of 3 s", bars=bars)
