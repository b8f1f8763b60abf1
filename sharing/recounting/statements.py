"""What the comparing statements are put together from, and how they are asked.

Only names of our own tables, columns and classes are put into them.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection, models

from sharing.models import ShareClass

CLASSES: Sequence[str] = ShareClass.values
# A number as it is kept, and the same as it was computed.
Pair = tuple[int, int]


def table(model: type[models.Model]) -> str:
    """Return the name of a model's table, quoted."""
    return connection.ops.quote_name(model._meta.db_table)


def of_class(name: str) -> str:
    """Return what a row of counts has for one class."""
    return f"CASE WHEN share_class = '{name}' THEN count ELSE 0 END"


def ask(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return all rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def pairs(numbers: Sequence[Any]) -> tuple[Pair, ...]:
    """Return numbers in twos; PostgreSQL adds big integers up as decimals."""
    return tuple(
        (int(kept), int(computed))
        for kept, computed in zip(numbers[::2], numbers[1::2], strict=True)
    )


def as_date(value: date | str) -> date:
    """Return a day as PostgreSQL tells it, or SQLite, which has no dates."""
    return value if isinstance(value, date) else date.fromisoformat(value)
