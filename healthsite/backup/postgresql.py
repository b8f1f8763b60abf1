"""PostgreSQL: all tables of one moment by COPY, without pg_dump, and back in one transaction.

COPY's text format is the same in every version of PostgreSQL, and rows go through memory a piece at a
time. Foreign keys of Django's schema are deferred: they are checked when the restore commits.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from healthsite.backup.archive import Advance, Reader, Writer
from healthsite.backup.manifest import TABLES, Manifest, Sequence_, Table
from healthsite.backup.problem import BackupProblem, Damaged

# A row in one of these means that somebody uses the database; migrations alone make none.
_TELLING = (
    "auth_user", "articles_articlepage", "articles_homepage", "wagtailimages_image",
    "wagtaildocs_document", "sharing_sharetarget",
)  # fmt: skip

# The number that `prepare` takes too: neither works on a database beside the other.
_ADVISORY_LOCK = 0x4EA17451
# The server ends the statement of a killed client before it lets go.
_LOCKED_FOR_AT_MOST = 60.0

_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
ORDER BY attnum
"""
_SEQUENCES = """
SELECT owner.relname, col.attname, seq.relname
FROM pg_class seq
JOIN pg_depend dep ON dep.objid = seq.oid AND dep.classid = 'pg_class'::regclass
    AND dep.refclassid = 'pg_class'::regclass AND dep.deptype IN ('a', 'i')
JOIN pg_class owner ON owner.oid = dep.refobjid
JOIN pg_attribute col ON col.attrelid = owner.oid AND col.attnum = dep.refobjsubid
WHERE seq.relkind = 'S' AND owner.relnamespace = current_schema()::regnamespace
ORDER BY 1, 2
"""


@contextmanager
def one_moment() -> Iterator[None]:
    """Read everything as it is at this moment, however long it takes; nothing can be written."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _settle(cursor)
        yield


def size(tables: Sequence[str]) -> int:
    """Return about how many bytes these tables hold."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_table_size(to_regclass(quote_ident(name)))), 0)::bigint "
            "FROM unnest(%s::text[]) AS name",
            [list(tables)],
        )
        return int(cursor.fetchone()[0])


def write(
    tables: Sequence[str], left_out: Collection[str], writer: Writer, advance: Advance
) -> list[Table]:
    """Write one member a table and return what each holds."""
    return [_write_table(name, name in left_out, writer, advance) for name in tables]


def sequences(tables: Collection[str]) -> list[Sequence_]:
    """Return where the numbers of these tables' columns go on."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_SEQUENCES)
        for table, column, name in cursor.fetchall():
            if table in tables:
                cursor.execute(f"SELECT last_value, is_called FROM {_quoted(name)}")  # noqa: S608
                last_value, is_called = cursor.fetchone()
                found.append(Sequence_(table, column, last_value, is_called))
    return found


def claim() -> None:
    """Take the database for this process until it ends; raises BackupProblem where another has it."""
    deadline = time.monotonic() + _LOCKED_FOR_AT_MOST
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK])
            if cursor.fetchone()[0]:
                return
        time.sleep(0.1)
    raise BackupProblem(
        "Another restore or a preparation works on this database. Nothing was touched."
    )


def refuse_used() -> None:
    """Raise BackupProblem where somebody uses the database."""
    with connection.cursor() as cursor:
        for table in _TELLING:
            cursor.execute("SELECT to_regclass(quote_ident(%s)) IS NOT NULL", [table])
            if cursor.fetchone()[0]:
                cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {_quoted(table)})")  # noqa: S608
                if cursor.fetchone()[0]:
                    raise BackupProblem(
                        f"The database is in use: {table} has rows. Nothing was touched.\n"
                        "Make an empty database and name it with DATABASE_URL, then restore into that."
                    )


def read(manifest: Manifest, reader: Reader, advance: Advance) -> None:
    """Fill the tables from the backup, inside the caller's transaction; raises Damaged."""
    names = [table.name for table in manifest.tables]
    with connection.cursor() as cursor:
        _settle(cursor)
        there = set(connection.introspection.table_names(cursor))
        if strange := [name for name in names if name not in there]:
            raise Damaged(f"The backup has a table that its migrations do not make: {strange[0]}.")
        cursor.execute(f"TRUNCATE {', '.join(map(_quoted, names))}")
        for table in manifest.tables:
            _read_table(cursor, table, manifest, reader, advance)
        for one in manifest.sequences:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(quote_ident(%s), %s), %s, %s)",
                [one.table, one.column, one.last_value, one.is_called],
            )


def _write_table(name: str, is_left_out: bool, writer: Writer, advance: Advance) -> Table:
    rows = 0
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [name])
        columns = [row[0] for row in cursor.fetchall()]
        with writer.member(f"{TABLES}{name}.copy.gz") as sink:
            if not is_left_out:
                with cursor.copy(f"COPY {_target(name, columns)} TO STDOUT") as rows_out:
                    for piece in rows_out:
                        # A line break inside a value is written as \n: each real one ends a row.
                        rows += bytes(piece).count(b"\n")
                        sink.write(piece)
                        advance(len(piece))
    return Table(name, columns, rows)


def _read_table(
    cursor: Any, table: Table, manifest: Manifest, reader: Reader, advance: Advance
) -> None:
    cursor.execute(_COLUMNS, [table.name])
    known = {row[0] for row in cursor.fetchall()}
    if not known.issuperset(table.columns):
        raise Damaged(f"The backup has columns of {table.name} that its migrations do not make.")
    if not table.columns:
        return
    member = manifest.member(f"{TABLES}{table.name}.copy.gz")
    with cursor.copy(f"COPY {_target(table.name, table.columns)} FROM STDIN") as rows_in:
        for piece in reader.content(member, advance):
            rows_in.write(piece)
    cursor.execute(f"SELECT count(*) FROM {_quoted(table.name)}")  # noqa: S608 - quoted
    (rows,) = cursor.fetchone()
    if rows != table.rows:
        raise Damaged(f"{table.name} has {rows} rows where the manifest says {table.rows}.")


def _settle(cursor: Any) -> None:
    """Make the text of every value independent of how this database is set up."""
    for setting in (
        "datestyle = 'ISO, YMD'", "intervalstyle = 'postgres'", "extra_float_digits = 1",
        "bytea_output = 'hex'", "statement_timeout = 0", "client_encoding = 'UTF8'",
    ):  # fmt: skip
        cursor.execute(f"SET LOCAL {setting}")


def _target(table: str, columns: Sequence[str]) -> str:
    return f"{_quoted(table)} ({', '.join(map(_quoted, columns))})"


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name.replace('"', '""'))
