"""A site that is only data: a folder, a database, media; commands run on it as an operator runs them."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg

from healthsite.paths import PROJECT_ROOT
from tests.services import ON_POSTGRES, cache_server, events_server

PATIENCE = 120.0


@dataclass(frozen=True)
class SiteData:
    """One site's data folder, and its database where that is PostgreSQL."""

    data: Path
    database_url: str | None

    @property
    def environment(self) -> dict[str, str]:
        """Return what its processes see; the Valkeys are those of the tests."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        database = {"DATABASE_URL": self.database_url} if self.database_url else {}
        return {
            **kept,
            **database,
            "HEALTHSITE_DATA": str(self.data),
            "HEALTHSITE_ADMIN_PASSWORD": "made up for this test",
            "REDIS_URL": f"unix://{events_server.socket}?db=0",
            "CACHE_URL": f"unix://{cache_server.socket}?db=0",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, *arguments: str | Path, **options: object) -> subprocess.Popen[str]:
        """Start `manage.py` with these arguments."""
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [sys.executable, "manage.py", *map(str, arguments)],
            cwd=PROJECT_ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def manage(self, *arguments: str | Path, fails: bool = False, **options: object) -> str:
        """Run `manage.py` to its end and return what it said."""
        with self.start(*arguments, **options) as process:
            said, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode != 0) is fails, said
        assert "Traceback" not in said, said
        return said

    def run(self, statements: str) -> str:
        """Run Python statements inside the site, and return what they print."""
        return self.manage("shell", "--no-imports", "-c", statements)

    def rows(self) -> dict[str, list[str]]:
        """Return every row of every table as text, sorted; sessions are in no backup."""
        if self.database_url:
            with psycopg.connect(self.database_url) as found:
                names = found.execute(
                    "SELECT table_name FROM information_schema.tables "
                    "WHERE table_schema = current_schema()"
                ).fetchall()
                tables = {
                    name: [row[0] for row in found.execute(f'SELECT t::text FROM "{name}" t')]  # noqa: S608
                    for (name,) in names
                }
        else:
            with closing(sqlite3.connect(self.data / "healthsite.sqlite3")) as file:
                listed = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                tables = {
                    name: [repr(row) for row in file.execute(f'SELECT * FROM "{name}"')]  # noqa: S608
                    for (name,) in listed.fetchall()
                }
        tables.pop("django_session")
        return {name: sorted(rows) for name, rows in tables.items()}

    def media(self) -> dict[str, bytes]:
        """Return every media file."""
        root = self.data / "media"
        return {
            str(file.relative_to(root)): file.read_bytes()
            for file in root.rglob("*")
            if file.is_file()
        }

    def leftovers(self) -> list[str]:
        """Return what a command left unfinished anywhere in the folder."""
        return [str(file) for file in self.data.rglob("*") if "unfinished" in file.name]


def new_site(folder: Path, *, migrated: bool = True) -> SiteData:
    """Return a site whose folder is empty; a PostgreSQL database has its tables already, without rows.

    Migrating takes most of such a restore, so it is done once and copied, unless a test wants it.
    """
    if not ON_POSTGRES:
        return SiteData(folder, None)
    name = f"site_{uuid4().hex}"
    return SiteData(folder, _new_database(name, _template() if migrated else "template0"))


@cache
def _template() -> str:
    name = f"migrated_{uuid4().hex}"
    with tempfile.TemporaryDirectory() as folder:
        site = SiteData(Path(folder), _new_database(name, "template0"))
        (site.data / "secret_key").write_text("made up for these tests, fifty characters and more")
        site.manage("migrate", "--verbosity", "0")
    return name


def _new_database(name: str, template: str) -> str:
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return f"{server.rpartition('/')[0]}/{name}"
