"""Rows of values inside a statement, in PostgreSQL's way and in SQLite's."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def as_table(
    name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]
) -> tuple[str, list[Any]]:
    """Return a WITH clause that names a table of rows, and its parameters.

    `columns` are names and PostgreSQL's types of them: it takes a parameter for a text unless told otherwise.
    SQLite has no such types.
    """
    typed = connection.vendor == "postgresql"
    places = ", ".join(f"%s::{kind}" if typed else "%s" for kind in columns.values())
    values = ", ".join([f"({places})"] * len(rows))
    clause = f"WITH {name} ({', '.join(columns)}) AS (VALUES {values})"
    return clause, [value for row in rows for value in row]
