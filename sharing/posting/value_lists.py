"""Rows of values inside a statement, in PostgreSQL's way and in SQLite's."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection


def as_table(
    name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> tuple[str, list[Any]]:
    """Return a WITH clause that names a table of rows, and its parameters.

    `columns` are names and PostgreSQL's types of them. It gets all the rows as one parameter: its driver reads a
    statement once more for each that there is. SQLite has no such types.
    """
    head = f"WITH {name} ({', '.join(columns)}) AS"
    if connection.vendor == "postgresql":
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        return f"{head} (SELECT * FROM jsonb_to_recordset(%s::jsonb) AS rows ({typed}))", [  # noqa: S608 - our own names
            json.dumps(objects, default=datetime.isoformat)
        ]
    one = f"({', '.join(['%s'] * len(columns))})"
    values = [
        json.dumps(value) if kind == "jsonb" and value is not None else value
        for row in rows
        for value, kind in zip(row, columns.values(), strict=True)
    ]
    return f"{head} (VALUES {', '.join([one] * len(rows))})", values
