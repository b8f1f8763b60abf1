"""SQLite: a copy of one moment while the site writes on, and the copy's way back."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from healthsite.backup.manifest import Table
from healthsite.backup.problem import BackupProblem
from healthsite.backup.progress import Progress

_PAGES_A_STEP = 2_000


def copy(source: Path, target: Path, left_out: Iterable[str], progress: Progress) -> None:
    """Copy the database as it is at this moment into a new file, and check the copy.

    The read transaction holds the moment while pages are copied; in WAL mode no writer waits for it.
    """
    with _opened(source, "rw") as live, _opened(target, "rwc") as taken:
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()
        page = int(live.execute("PRAGMA page_size").fetchone()[0])
        pages = int(live.execute("PRAGMA page_count").fetchone()[0])
        progress.start("database", pages * page)
        done = 0

        def advance(status: int, remaining: int, total: int) -> None:
            nonlocal done
            now = (total - remaining) * page
            progress.advance(now - done)
            done = now

        live.backup(taken, pages=_PAGES_A_STEP, progress=advance)
        live.execute("ROLLBACK")
        # One file, without a journal beside it.
        taken.execute("PRAGMA journal_mode = DELETE")
        taken.execute("PRAGMA secure_delete = ON")
        for table in left_out:
            if table in _names(taken):
                taken.execute(f"DELETE FROM {_quoted(table)}")  # noqa: S608 - quoted
    require_whole(target)


def require_whole(file: Path) -> None:
    """Raise BackupProblem where SQLite finds a fault in the file."""
    with _opened(file, "ro") as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    if verdict != "ok":
        raise BackupProblem(f"The database is damaged: {verdict}")
    if orphan:
        raise BackupProblem(
            f"The database is damaged: a row of {orphan[0]} names a row of {orphan[2]} that is not there."
        )


def count_rows(file: Path, tables: Sequence[str]) -> list[Table]:
    """Return how many rows each table has; one that is not there has none."""
    with _opened(file, "ro") as connection:
        there = _names(connection)
        return [
            Table(name, [], _count(connection, name) if name in there else 0) for name in tables
        ]


def migrations(file: Path) -> list[tuple[str, str]]:
    """Return app and name of each applied migration."""
    with _opened(file, "ro") as connection:
        return connection.execute("SELECT app, name FROM django_migrations").fetchall()


def execute(file: Path, statements: Sequence[str]) -> None:
    """Run statements in one transaction."""
    with _opened(file, "rw") as connection:
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")


def has_tables(file: Path) -> bool:
    """Return whether the file is a database that somebody uses; raises BackupProblem if it is none."""
    if not file.exists() or not file.stat().st_size:
        return False
    with _opened(file, "ro") as connection:
        return bool(_names(connection))


def remove(file: Path) -> None:
    """Remove a database and what lies beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)


@contextmanager
def _opened(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Open a database; SQLite's errors become BackupProblem."""
    try:
        address = f"{file.absolute().as_uri()}?mode={mode}"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=20)) as found:
            yield found
    except sqlite3.Error as error:
        folder = os.fspath(file.parent)
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise BackupProblem(
                f"The disk of {folder} is full. What was begun was removed; nothing else was touched."
            ) from error
        raise BackupProblem(f"SQLite refuses {file.name} in {folder}: {error}.") from error


def _names(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row[0] for row in rows}


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0])  # noqa: S608 - quoted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
