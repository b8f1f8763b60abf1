"""Sites of many articles: built once, on SQLite and on PostgreSQL, and kept for the next run."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.missing import NotMeasured
from bench.postgres import Postgres, PostgresUnavailable
from bench.site import Site
from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor import data_folder
from healthsite.supervisor.parent_death import binder

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
DATABASES = (SQLITE, POSTGRESQL)
KEPT = PROJECT_ROOT / "var" / "bench"
# Of the address that every page names; nothing listens there.
_PORT = 8000
# What is in the tables follows from these.
_MADE_BY = (
    "bench/articles.py", "articles/blocks.py", "articles/outline.py", "articles/sitemap.py",
    "*/migrations/*.py", "requirements.lock",
)  # fmt: skip


@dataclass(frozen=True)
class KeptSite:
    """A data folder with so many published articles, and its database."""

    database: str  # one of DATABASES
    number: int
    data: Path
    database_url: str  # empty for SQLite: the file is in the data folder

    def environment(self, **more: str) -> dict[str, str]:
        """Return what a process of this site inherits."""
        if self.database_url:
            more["DATABASE_URL"] = self.database_url
        return Site(self.data).environment(_PORT, **more)


@contextmanager
def kept_sites(numbers: Sequence[int], *, folder: Path = KEPT) -> Iterator[list[KeptSite]]:
    """Return a site for each database and number of articles; one that is missing or outdated is built.

    The PostgreSQL server runs until the end of the block. Raises NotMeasured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder), _postgres(folder) as postgres:
        sites = [
            KeptSite(
                database,
                number,
                folder / f"{database.lower()}-{number}",
                postgres.url_of(f"articles_{number}") if database == POSTGRESQL else "",
            )
            for database in DATABASES
            for number in numbers
        ]
        _collect_static_files(folder)
        for number in numbers:
            _build([s for s in sites if s.number == number and not _is_built(s)], postgres)
        yield sites


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for another run that uses the same folder."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another run uses {folder}; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _postgres(folder: Path) -> Iterator[Postgres]:
    postgres = Postgres(postgres_folder(folder))
    try:
        try:
            postgres.start()
        except PostgresUnavailable as reason:
            raise NotMeasured(f"PostgreSQL cannot be started: {reason}") from reason
        yield postgres
    finally:
        postgres.stop()


def _build(sites: Sequence[KeptSite], postgres: Postgres) -> None:
    """Build sites side by side: each keeps one processor busy."""
    building: list[subprocess.Popen[bytes]] = []
    try:
        for site in sites:
            print(f"building {site.number:,} articles on {site.database}", flush=True)
            _make_empty(site, postgres)
            building.append(
                subprocess.Popen(  # noqa: S603 - our own module
                    [sys.executable, "-m", "bench.articles", str(site.number)],
                    cwd=PROJECT_ROOT,
                    env=site.environment(),
                    preexec_fn=binder(),
                )
            )
        for site, process in zip(sites, building, strict=True):
            if process.wait():
                raise NotMeasured(f"{site.number:,} articles on {site.database} were not built.")
            _stamp_file(site).write_text(_stamp())
    finally:
        for process in building:
            process.kill()
            process.wait()


def _make_empty(site: KeptSite, postgres: Postgres) -> None:
    shutil.rmtree(site.data, ignore_errors=True)
    data_folder.make_writable(site.data)
    (site.data / "static").symlink_to(_static_site(site.data.parent).data / "static")
    if site.database_url:
        postgres.make_anew(site.database_url.rpartition("/")[2])


def _static_site(folder: Path) -> Site:
    return Site(folder / "static-files")


def _collect_static_files(folder: Path) -> None:
    """Bring the static files up to date; all sites share them."""
    site = _static_site(folder)
    data_folder.make_writable(site.data)
    site.prepare()


# --- What is kept --------------------------------------------------------------------------------


def _is_built(site: KeptSite) -> bool:
    stamp = _stamp_file(site)
    return stamp.exists() and stamp.read_text() == _stamp()


def _stamp_file(site: KeptSite) -> Path:
    return site.data / "built"


def _stamp() -> str:
    digest = hashlib.sha256()
    for pattern in _MADE_BY:
        for file in sorted(PROJECT_ROOT.glob(pattern)):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def postgres_folder(folder: Path) -> Path:
    """Return where the databases are kept: root's server runs as nobody, who may enter few folders."""
    folder = folder.resolve()
    if os.getuid() == 0 and not all(
        place.stat().st_mode & 0o001 for place in (folder, *folder.parents)
    ):
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"healthsite-bench-{name}"
    return folder / "postgresql"
