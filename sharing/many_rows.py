"""Many rows in one statement, in PostgreSQL's way and in SQLite's.

Django's `bulk_create` makes a model of each row and a parameter of each value. Here a row is a tuple of plain
values, and PostgreSQL gets one array for each column. Names of our own tables and columns are put into the
statements and nothing else is: values are parameters.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models

# int, str, or what the database reads of str(value); the text of a moment is in UTC.
Row = tuple[Any, ...]


def existing(model: type[models.Model], ids: Iterable[int]) -> set[int]:
    """Return those of some integer primary keys that are there."""
    table, key = _table(model), _quoted(model._meta.pk.column)
    if connection.vendor == "postgresql":
        where, given = f"{key} = ANY(%s::bigint[])", _array(ids)
    else:
        where, given = f"{key} IN (SELECT value FROM json_each(%s))", f"[{','.join(map(str, ids))}]"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key} FROM {table} WHERE {where}", [given])  # noqa: S608
        return {found for (found,) in cursor.fetchall()}


def insert_missing(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Collection[Row],
    *,
    alike: Mapping[str, str],
) -> set[str]:
    """Insert rows whose first column, a UUID in 32 hexadecimal digits, is not there yet; return the others'.

    No two of the rows may have the same. `alike` are columns in which they do not differ. Must run in a
    transaction.
    """
    table, key = _table(model), _quoted(columns[0])
    names = _names((*columns, *alike))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            given, same = _names(columns), "".join(f", %s::{_type(model, name)}" for name in alike)
            cursor.execute(
                f"WITH given ({given}) AS MATERIALIZED (SELECT * FROM {_unnest(model, columns)}),"  # noqa: S608
                f" new AS (INSERT INTO {table} ({names}) SELECT {given}{same} FROM given"
                f" ON CONFLICT ({key}) DO NOTHING RETURNING {key})"
                f" SELECT replace({key}::text, '-', '') FROM given"
                f" WHERE {key} NOT IN (SELECT {key} FROM new)",
                [*_by_column(model, columns, rows), *alike.values()],
            )
            return {found for (found,) in cursor.fetchall()}
        # The lock is ours (BEGIN IMMEDIATE): what comes after the highest row id of now is new.
        cursor.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}")  # noqa: S608
        [(highest,)] = cursor.fetchall()
        places = ", ".join(["%s"] * (len(columns) + len(alike)))
        same_values = tuple(alike.values())
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608
            [row + same_values for row in rows],
        )
        if cursor.rowcount == len(rows):
            return set()
        cursor.execute(f"SELECT {key} FROM {table} WHERE rowid > %s", [highest])  # noqa: S608
        return {row[0] for row in rows} - {found for (found,) in cursor.fetchall()}


def add(
    model: type[models.Model], key: Sequence[str], numbers: Sequence[str], rows: Sequence[Row]
) -> None:
    """Add numbers to the rows of their keys, which are made where they are missing.

    Each row is its key and its numbers, and no two have one key. Sort them: transactions that take rows in one
    order do not deadlock.
    """
    table, columns = _table(model), (*key, *numbers)
    more = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in map(_quoted, numbers))
    into = f"INSERT INTO {table} ({_names(columns)})"
    tail = f"ON CONFLICT ({_names(key)}) DO UPDATE SET {more}"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"{into} SELECT * FROM {_unnest(model, columns)} {tail}",
                _by_column(model, columns, rows),
            )
        else:
            places = ", ".join(["%s"] * len(columns))
            plain = [
                tuple([value if isinstance(value, int) else str(value) for value in row])
                for row in rows
            ]
            cursor.executemany(f"{into} VALUES ({places}) {tail}", plain)


def _unnest(model: type[models.Model], columns: Sequence[str]) -> str:
    return f"unnest({', '.join(f'%s::{_type(model, column)}[]' for column in columns)})"


def _by_column(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> list[str]:
    return [
        _quoted_array(values) if _type(model, column) == "varchar" else _array(values)
        for column, values in zip(columns, zip(*rows, strict=True), strict=True)
    ]


def _type(model: type[models.Model], column: str) -> str:
    [field] = [field for field in model._meta.concrete_fields if field.column == column]
    # Without its length: a cast would cut what is too long in silence.
    return str(field.db_type(connection)).partition("(")[0]


def _array(values: Iterable[Any]) -> str:
    """Return what PostgreSQL reads as an array of values that have none of its signs in them."""
    return f"{{{','.join(map(str, values))}}}"


def _quoted_array(values: Sequence[str]) -> str:
    items = {value: _item(value) for value in set(values)}
    return f"{{{','.join([items[value] for value in values])}}}"


def _item(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _table(model: type[models.Model]) -> str:
    return _quoted(model._meta.db_table)


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(_quoted, columns))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
