"""`report`: what the report of shares costs with 20,000 articles and sections, against 1,000.

All have a year of counts through twelve channels. Each site is a process of its own with a database of its own,
in which an editor, signed in, asks for pages through Django's test client: a web server would add the same to
all, and hide what grows. The sizes take turns in each round, and a figure is the median of the rounds' medians.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from bench import report
from bench.kept_sites import DATABASES, KEPT, POSTGRESQL, KeptSite, kept_sites, postgres_folder
from bench.missing import NotMeasured
from bench.report import Bar
from bench.share_year import CHANNELS, DAYS
from bench.site_process import SiteProcess, site_processes
from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor.parent_death import binder

TARGETS = (1_000, 20_000)
# Articles that have at least so many: one for each of five sections, and one of their own.
_ARTICLES = {targets: targets // 6 + 2 for targets in TARGETS}
# Of the days, each target has a count on every so many through each channel. With 1, that is all of them:
# 87.6 million rows on each database, which take much longer to build than to ask.
EVERY = int(os.environ.get("BENCH_REPORT_EVERY", "10"))
# On the larger of both databases, with indexes; the room that building takes for a while is in it.
_BYTES_A_COUNT = 400
_BYTES_A_TARGET = 200_000
_STAMP = "share-counts"
_ROUNDS = 15
_LEAST_ROUNDS = 5
# No new round begins after so many seconds on one database, five rounds excepted.
_SECONDS = 100.0
_MOST_QUERIES = 9
_GROWTH = 1.5


@dataclass(frozen=True)
class Page:
    """One page of the report, asked for so many times in each round."""

    what: str
    times: int = 3
    is_barred: bool = True


PAGES = (
    Page("28 days"),
    Page("365 days"),
    Page("by title"),
    Page("page 5"),
    Page("one article"),
    # Sums over the counts of days, which grow with them; told, so that nobody is surprised.
    Page("one channel", 1, is_barred=False),
    Page("one class", 1, is_barred=False),
    Page("by title, some", 1, is_barred=False),
)


@dataclass(frozen=True)
class Figures:
    """What one page costs on one site."""

    seconds: float
    queries: int
    own: int  # those of the queries that the report itself makes


Found = Mapping[tuple[str, int, str], Figures]


def run() -> int:
    """Measure, print a table and the bars, and return the exit status. Raises NotMeasured."""
    figures: dict[tuple[str, int, str], Figures] = {}
    _ask_for_room()
    with kept_sites(tuple(_ARTICLES.values())) as sites:
        by_articles = {number: targets for targets, number in _ARTICLES.items()}
        for site in sites:
            _give_counts(site, by_articles[site.number])
        for database in DATABASES:
            of_one = [site for site in sites if site.database == database]
            with site_processes(of_one, "bench.share_report_process") as running:
                by_targets = dict(zip(TARGETS, running, strict=True))
                _compare(database, by_targets)
                for (targets, what), found in _measured(by_targets).items():
                    figures[database, targets, what] = found
    _print(figures)
    bars = list(_bars(figures))
    return report.finish(
        "report",
        ratio=max(_growth(figures, POSTGRESQL, page) for page in PAGES if page.is_barred),
        against=f"the same page with {TARGETS[0]:,} targets",
        bars=bars,
        of_the_days=f"1 in {EVERY}",
        milliseconds={
            f"{database} {targets} {what}": round(found.seconds * 1000, 2)
            for (database, targets, what), found in figures.items()
        },
        queries={
            f"{database} {targets} {what}": [found.queries, found.own]
            for (database, targets, what), found in figures.items()
        },
    )


# --- Sites ---------------------------------------------------------------------------------------


def _ask_for_room() -> None:
    """Raise NotMeasured where the disk lacks room for what is not built yet."""
    if all(
        (KEPT / f"{name.lower()}-{_ARTICLES[TARGETS[-1]]}" / _STAMP).exists() for name in DATABASES
    ):
        return
    needed = sum(_BYTES_A_TARGET * targets for targets in TARGETS)
    needed += sum(_BYTES_A_COUNT * targets * CHANNELS * DAYS // EVERY for targets in TARGETS)
    KEPT.mkdir(parents=True, exist_ok=True)
    folders = {KEPT, postgres_folder(KEPT).parent}
    # On one disk, the databases share it.
    devices = [folder.stat().st_dev for folder in folders]
    for folder in folders:
        wanted = needed * (len(DATABASES) if len(set(devices)) == 1 else 1)
        if (free := shutil.disk_usage(folder).free) < wanted:
            raise NotMeasured(
                f"{folder} has {free / 1e9:.1f} GB free, and {wanted / 1e9:.1f} GB are needed."
            )


def _give_counts(site: KeptSite, targets: int) -> None:
    """Give a site its year of counts, unless it has them; raises NotMeasured."""
    stamp, wanted = site.data / _STAMP, _stamp(targets)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    rows = targets * CHANNELS * DAYS // EVERY
    print(f"building {rows:,} counts of {targets:,} targets on {site.database}", flush=True)
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "bench.share_counts", str(targets), str(EVERY)],
        cwd=PROJECT_ROOT,
        env=site.environment(),
        preexec_fn=binder(),
    )
    if done.returncode:
        raise NotMeasured(f"The counts of {targets:,} targets on {site.database} were not built.")
    print(f"built in {time.monotonic() - began:.0f} s", flush=True)
    stamp.write_text(wanted)


def _stamp(targets: int) -> str:
    """Return what the counts of a site follow from, the site itself aside."""
    digest = hashlib.sha256(f"{targets} {EVERY}".encode())
    for name in ("share_counts.py", "share_year.py"):
        digest.update((PROJECT_ROOT / "bench" / name).read_bytes())
    return digest.hexdigest()


# --- Measuring -----------------------------------------------------------------------------------


def _compare(database: str, running: Mapping[int, SiteProcess]) -> None:
    """Have each site compare its report with plain sums; raises NotMeasured where they differ.

    Numbers that are wrong may be had in any time.
    """
    for targets, process in running.items():
        *told, plain = process.ask("sums", 1)
        if any(each != plain for each in told):
            raise NotMeasured(
                f"The report of {targets:,} targets on {database} tells {told}, and its counts are {plain}."
            )


def _measured(running: Mapping[int, SiteProcess]) -> dict[tuple[int, str], Figures]:
    """Return what each page costs on each site of one database, by (targets, what)."""
    queries: dict[tuple[int, str], tuple[int, int]] = {}
    for targets, process in running.items():
        for page in PAGES:
            # The first time fills what is kept in the process.
            process.ask(page.what, 1)
            counts = process.ask(page.what, 2, count=True)
            queries[targets, page.what] = max(map(tuple, counts))
    medians: dict[tuple[int, str], list[float]] = {key: [] for key in queries}
    began = time.monotonic()
    for at in range(_ROUNDS):
        if at >= _LEAST_ROUNDS and time.monotonic() - began > _SECONDS:
            break
        for page in PAGES:
            seconds: dict[int, list[float]] = {targets: [] for targets in running}
            for time_ in range(page.times):
                # Nobody is always the first.
                order = list(running.items())
                for targets, process in order if (at + time_) % 2 else reversed(order):
                    seconds[targets] += process.ask(page.what, 1)
            for targets, found in seconds.items():
                medians[targets, page.what].append(median(found))
    return {key: Figures(median(found), *queries[key]) for key, found in medians.items()}


def _growth(figures: Found, database: str, page: Page) -> float:
    fewest, most = (figures[database, targets, page.what].seconds for targets in TARGETS)
    return most / fewest


def _bars(figures: Found) -> Iterator[Bar]:
    for database in DATABASES:
        # With those that Wagtail and Django make for any page: session, person, permissions, menu.
        most = max(found.queries for (of, _, _), found in figures.items() if of == database)
        yield Bar(f"all queries of a page on {database}", most, _MOST_QUERIES, True, True)
        for page in PAGES:
            of_each = [figures[database, targets, page.what] for targets in TARGETS]
            name = f"{page.what} on {database}"
            more = max(each.queries for each in of_each) - min(each.queries for each in of_each)
            yield Bar(f"{name}, queries more or less", more, 0, at_most=True)
            if not page.is_barred:
                continue
            own = max(each.own for each in of_each)
            yield Bar(f"{name}, the report's own queries", own, _MOST_QUERIES, at_most=True)
            yield Bar(f"{name}, growth", _growth(figures, database, page), _GROWTH, at_most=True)


def _print(figures: Found) -> None:
    print(f"\nEach target has a count on 1 of {EVERY} days through each of {CHANNELS} channels.")
    heads = [f"{targets:,}, ms" for targets in TARGETS]
    for database in DATABASES:
        rows = []
        for page in PAGES:
            of_each = [figures[database, targets, page.what] for targets in TARGETS]
            rows.append([
                page.what if page.is_barred else f"({page.what})",
                *(f"{each.seconds * 1000:.1f}" for each in of_each),
                f"{_growth(figures, database, page):.2f}",
                ", ".join(f"{each.queries} ({each.own})" for each in of_each),
            ])  # fmt: skip
        print()
        report.table([database, *heads, "growth", "queries (own)"], rows)
    print("\nPages in brackets add up counts of days, and are told without a bar.")
