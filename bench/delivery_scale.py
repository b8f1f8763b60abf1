"""`delivery-scale`: what things cost on a site of 20,000 articles, against a site of ten.

Each site is a process of its own with a database of its own. The sizes take turns in each round, and a figure
is the median of the rounds' medians. Requests are made inside the process, to the application that the web
server calls: a web server and a load generator would add the same to all, and hide what grows.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench import report
from bench.kept_sites import DATABASES, kept_sites
from bench.report import Bar
from bench.site_process import SiteProcess, site_processes

NUMBERS = (10, 1_000, 20_000)
_FEWEST, _MOST = NUMBERS[0], NUMBERS[-1]
_ROUNDS = 7
# No new round begins after so many seconds on one database, five rounds excepted.
_SECONDS = 25.0
_LEAST_ROUNDS = 5
_WARM_UPS = 3


@dataclass(frozen=True)
class Measure:
    """One thing that is done on each site, and how it may grow."""

    what: str
    times: int  # in each round, and on each site in turn
    growth: float  # at most, from the fewest articles to the most
    most_queries: int | None = None
    # The number of queries must be the same on each site.
    is_constant: bool = False
    together: int = 1  # so many answers are timed as one


# An answer that is kept, or a share, must not become slower by more than this.
_WITHIN = 1.15
MEASURES = (
    Measure("article", 8, 1.5, most_queries=12),
    Measure("section", 8, 1.5, most_queries=12),
    Measure("publish", 3, 2.0, is_constant=True),
    Measure("home page", 6, 2.0, is_constant=True),
    Measure("older list", 6, 2.0, is_constant=True),
    Measure("API list", 6, 2.0, is_constant=True),
    Measure("sitemap file", 6, 2.0, is_constant=True),
    Measure("kept page", 20, _WITHIN, together=500),
    Measure("share intent", 30, _WITHIN),
)


@dataclass(frozen=True)
class Figures:
    """What one thing costs on one site."""

    seconds: float
    queries: int  # the most that it made


def run() -> int:
    """Measure, print a table and the bars, and return the exit status. Raises NotMeasured."""
    figures: dict[tuple[str, int, str], Figures] = {}
    with kept_sites(NUMBERS) as sites:
        for database in DATABASES:
            of_one = [site for site in sites if site.database == database]
            with site_processes(of_one, "bench.scale_process") as running:
                for (number, what), found in _measured(running).items():
                    figures[database, number, what] = found
    _print(figures)
    bars = list(_bars(figures))
    growths = [bar for bar in bars if bar.what.endswith("growth")]
    return report.finish(
        "delivery-scale",
        ratio=max(bar.value / bar.limit for bar in growths),
        against=f"{_FEWEST} articles: the growth that comes nearest to its bar, as a part of that",
        bars=bars,
        milliseconds={
            f"{database} {number} {what}": round(found.seconds * 1000, 4)
            for (database, number, what), found in figures.items()
        },
        queries={
            f"{database} {number} {what}": found.queries
            for (database, number, what), found in figures.items()
        },
    )


def _measured(running: Sequence[SiteProcess]) -> dict[tuple[int, str], Figures]:
    """Return what each thing costs on each site of one database, by (number, what)."""
    queries = {}
    for process in running:
        for measure in MEASURES:
            # The first times fill what is kept in the process.
            process.ask(measure.what, _WARM_UPS)
            counts = process.ask(measure.what, _WARM_UPS, count=True)
            queries[process.number, measure.what] = max(counts)
    medians: dict[tuple[int, str], list[float]] = {key: [] for key in queries}
    began = time.monotonic()
    for at in range(_ROUNDS):
        if at >= _LEAST_ROUNDS and time.monotonic() - began > _SECONDS:
            break
        for measure in MEASURES:
            seconds: dict[int, list[float]] = {process.number: [] for process in running}
            for time_ in range(measure.times):
                # Nobody is always the first.
                first = (at + time_) % len(running)
                for process in (*running[first:], *running[:first]):
                    seconds[process.number] += process.ask(measure.what, 1)
            for number, found in seconds.items():
                medians[number, measure.what].append(median(found) / measure.together)
    return {key: Figures(median(found), queries[key]) for key, found in medians.items()}


def _bars(figures: Mapping[tuple[str, int, str], Figures]) -> Iterator[Bar]:
    for database in DATABASES:
        for measure in MEASURES:
            of_each = [figures[database, number, measure.what] for number in NUMBERS]
            name = f"{measure.what} on {database}"
            growth = of_each[-1].seconds / of_each[0].seconds
            yield Bar(f"{name}, growth", growth, measure.growth, at_most=True)
            counts = [each.queries for each in of_each]
            if measure.most_queries is not None:
                yield Bar(f"{name}, queries", max(counts), measure.most_queries, at_most=True)
            if measure.is_constant:
                more = max(counts) - min(counts)
                yield Bar(f"{name}, queries more or less", more, 0, at_most=True)


def _print(figures: Mapping[tuple[str, int, str], Figures]) -> None:
    for database in DATABASES:
        heads = [database, *(f"{number:,}, ms" for number in NUMBERS), "growth", "queries"]
        rows = []
        for measure in MEASURES:
            of_each = [figures[database, number, measure.what] for number in NUMBERS]
            growth = of_each[-1].seconds / of_each[0].seconds
            rows.append([
                measure.what,
                *(f"{each.seconds * 1000:.3f}" for each in of_each),
                f"{growth:.2f}",
                ", ".join(str(each.queries) for each in of_each),
            ])  # fmt: skip
        print()
        report.table(heads, rows)
