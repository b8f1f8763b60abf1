"""Many rows in one statement, in PostgreSQL's way and in SQLite's.

Django's `bulk_create` makes a model of each row and a parameter of each value. Here a row is a tuple of plain
values, and PostgreSQL gets one array for each column. Names of our own tables and columns are put into the
statements and nothing else is: values are parameters.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

from django.db import connection, models

# What COPY would take for the end of a value or of a line.
_IN_A_LINE = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

# With more of them SQLite is no faster; PostgreSQL takes so many in while the next are made ready.
_ROWS_A_STATEMENT = 1000

# int, str, or what the database reads of str(value); the text of a moment is in UTC.
Row = tuple[Any, ...]


def existing(model: type[models.Model], ids: Iterable[int]) -> set[int]:
    """Return those of some integer primary keys that are there."""
    table, key = _table(model), _quoted(str(model._meta.pk.column))
    if connection.vendor == "postgresql":
        where, given = f"{key} = ANY(%s::bigint[])", f"{{{','.join(map(str, ids))}}}"
    else:
        where, given = f"{key} IN (SELECT value FROM json_each(%s))", f"[{','.join(map(str, ids))}]"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key} FROM {table} WHERE {where}", [given])
        return {found for (found,) in cursor.fetchall()}


def take_turns(model: type[models.Model]) -> None:
    """Wait until no other transaction that began with this is under way; SQLite's take turns anyway.

    First in its transaction: a lock that is held while waiting for this one would be a deadlock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtext(%s))", [f"rows of {model._meta.db_table}"]
            )


def insert_missing(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Collection[Row],
    *,
    alike: Mapping[str, str],
    meanwhile: Callable[[], object],
) -> set[str]:
    """Insert rows whose first column, a UUID in 32 hexadecimal digits, is not there yet; return the others'.

    What a row has beyond the columns is left out. No two of the rows may have the same first column. `alike` are
    columns in which they do not differ. `meanwhile` is called once, and asks no database: while PostgreSQL takes
    the rows in. Must run in a transaction that began with `take_turns`.
    """
    if connection.vendor == "postgresql":
        return _insert_missing_on_postgres(model, columns, rows, alike, meanwhile)
    meanwhile()
    table, key = _table(model), _quoted(columns[0])
    with connection.cursor() as cursor:
        # The lock is ours (BEGIN IMMEDIATE): what comes after the highest row id of now is new.
        cursor.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}")
        [(highest,)] = cursor.fetchall()
        inserted = _insert_on_sqlite(
            f"INSERT INTO {table} ({_names((*columns, *alike))})",
            "ON CONFLICT DO NOTHING",
            [
                *_first_columns(rows, len(columns)),
                *([value] * len(rows) for value in alike.values()),
            ],
        )
        if inserted == len(rows):
            return set()
        cursor.execute(f"SELECT {key} FROM {table} WHERE rowid > %s", [highest])
        return {row[0] for row in rows} - {found for (found,) in cursor.fetchall()}


def _insert_missing_on_postgres(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Collection[Row],
    alike: Mapping[str, str],
    meanwhile: Callable[[], object],
) -> set[str]:
    """Look which are there, and copy the others: in half the time of INSERT … ON CONFLICT DO NOTHING.

    Two that did so at once would both copy the same, and one of them would fail: see `take_turns`. Done again
    it finds what came in between.
    """
    table, key = _table(model), _quoted(columns[0])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT replace({key}::text, '-', '') FROM {table} WHERE {key} = ANY(%s::uuid[])",
            [f"{{{','.join([row[0] for row in rows])}}}"],
        )
        there = {found for (found,) in cursor.fetchall()}
        missing = [row for row in rows if row[0] not in there]
        end = "".join(f"\t{value}" for value in alike.values()) + "\n"
        with cursor.copy(f"COPY {table} ({_names((*columns, *alike))}) FROM STDIN") as copy:
            for start in range(0, len(missing), _ROWS_A_STATEMENT):
                part = missing[start : start + _ROWS_A_STATEMENT]
                lines = map(
                    "\t".join, zip(*_columns(model, columns, part, _line_item), strict=True)
                )
                copy.write(end.join([*lines, ""]))
            meanwhile()
    return there


def add(
    model: type[models.Model],
    key: Sequence[str],
    numbers: Sequence[str],
    rows: Sequence[Row],
    *,
    beside: Sequence[str] = (),
) -> None:
    """Add numbers to the rows of their keys, which are made where they are missing.

    Each row is its key, what a new row has `beside` it, and its numbers, and no two have one key. Sort them:
    transactions that take rows in one order do not deadlock.
    """
    table, columns = _table(model), (*key, *beside, *numbers)
    more = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in map(_quoted, numbers))
    into = f"INSERT INTO {table} ({_names(columns)})"
    tail = f"ON CONFLICT ({_names(key)}) DO UPDATE SET {more}"
    if connection.vendor != "postgresql":
        by_column = [
            values if isinstance(values[0], int | str) else list(map(str, values))
            for values in zip(*rows, strict=True)
        ]
        _insert_on_sqlite(into, tail, by_column)
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"{into} SELECT * FROM {_unnest(model, columns)} {tail}",
            _by_column(model, columns, rows),
        )


def _insert_on_sqlite(into: str, tail: str, columns: Sequence[Sequence[Any]]) -> int:
    """Insert rows given by their columns, many in a statement; return how many were inserted or changed.

    A statement a row (`executemany`) takes half as long again. Django's cursor would look for the place of
    each parameter every time, so this is the driver's own.
    """
    connection.ensure_connection()
    driver, width = connection.connection, len(columns)
    most = driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // width
    rows, changed = list(zip(*columns, strict=True)), 0
    place = f"({', '.join('?' * width)})"
    with connection.wrap_database_errors:
        # A few lengths alone: the driver keeps each statement that it has seen, and long ones are large.
        for at_once in (min(most, _ROWS_A_STATEMENT), min(most, _ROWS_A_STATEMENT // 10)):
            statement = f"{into} VALUES {', '.join([place] * at_once)} {tail}"
            whole = len(rows) - len(rows) % at_once
            for start in range(0, whole, at_once):
                values = list(chain.from_iterable(rows[start : start + at_once]))
                changed += driver.execute(statement, values).rowcount
            del rows[:whole]
        if rows:
            changed += driver.executemany(f"{into} VALUES {place} {tail}", rows).rowcount
    return changed


def _unnest(model: type[models.Model], columns: Sequence[str]) -> str:
    return f"unnest({', '.join(f'%s::{_type(model, column)}[]' for column in columns)})"


def _by_column(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> list[str]:
    return [f"{{{','.join(values)}}}" for values in _columns(model, columns, rows, _array_item)]


def _first_columns(rows: Iterable[Row], number: int) -> list[Row]:
    return list(zip(*rows, strict=True))[:number]


def _columns(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Iterable[Row],
    written: Callable[[str], str],
) -> Iterator[list[str]]:
    """Return the values of each column as texts, those that may have any sign in them as `written` has them."""
    for column, values in zip(columns, _first_columns(rows, len(columns)), strict=True):
        if _type(model, column) == "varchar":
            texts = {value: written(value) for value in set(values)}
            yield [texts[value] for value in values]
        else:
            yield list(map(str, values))


@cache
def _type(model: type[models.Model], column: str) -> str:
    [field] = [field for field in model._meta.concrete_fields if field.column == column]
    # Without its length: a cast would cut what is too long in silence.
    return str(field.db_type(connection)).partition("(")[0]


def _array_item(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _line_item(text: str) -> str:
    return text.translate(_IN_A_LINE)


def _table(model: type[models.Model]) -> str:
    return _quoted(model._meta.db_table)


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(_quoted, columns))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
