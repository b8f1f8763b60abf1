"""The statements that count each event once, on PostgreSQL and SQLite alike.

Both must run in one transaction. Event ids decide: an id that is there already adds nothing, however often
its event comes back after a crash, a retry or a restored stream.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

from sharing.models import ShareCount, ShareEvent
from sharing.stream import Event


def insert_new(events: Iterable[Event], *, recorded_at: datetime) -> list[Event]:
    """Insert events and return those that were not there yet, each once."""
    by_id = {event.event_id: event for event in events}
    if not by_id:
        return []
    rows = [
        (
            event.event_id,
            event.target_id,
            event.channel,
            event.share_class.value,
            event.occurred_at,
            recorded_at,
        )
        # Sorted, like the counts: two transactions take their rows in one order and cannot deadlock.
        for event in sorted(by_id.values(), key=lambda event: event.event_id)
    ]
    columns = ("event_id", "target_id", "channel", "share_class", "occurred_at", "recorded_at")
    returned = _insert(
        ShareEvent, columns, rows, "ON CONFLICT (event_id) DO NOTHING RETURNING event_id"
    )
    return [by_id[value if isinstance(value, UUID) else UUID(value)] for (value,) in returned]


def add_to_counts(events: Iterable[Event]) -> None:
    """Add events to the counts of their targets, channels, classes and days (UTC)."""
    added = Counter(
        (
            event.target_id,
            event.channel,
            event.share_class.value,
            event.occurred_at.astimezone(UTC).date(),
        )
        for event in events
    )
    if not added:
        return
    table = connection.ops.quote_name(ShareCount._meta.db_table)
    rows = [(*key, count) for key, count in sorted(added.items())]
    _insert(
        ShareCount,
        ("target_id", "channel", "share_class", "day", "count"),
        rows,
        "ON CONFLICT (target_id, channel, share_class, day) "
        f"DO UPDATE SET count = {table}.count + excluded.count",
    )


def _insert(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[tuple[Any, ...]], tail: str
) -> list[tuple[Any, ...]]:
    fields = {field.column: field for field in model._meta.concrete_fields}
    values = [
        fields[column].get_db_prep_save(value, connection)
        for row in rows
        for column, value in zip(columns, row, strict=True)
    ]
    table = connection.ops.quote_name(model._meta.db_table)
    places = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(rows))
    # Only names of our own tables and columns are put into the statement; values are parameters.
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {places} {tail}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []
