"""The statements that count each event once, on PostgreSQL and SQLite alike.

Both must run in one transaction. Event ids decide: an id that is there already adds nothing, however often
its event comes back after a crash, a retry or a restored stream.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

from sharing.models import ShareClass, ShareCount, ShareDay, ShareEvent, ShareTotal
from sharing.stream import Event


@dataclass(frozen=True, slots=True)
class Group:
    """So many new events of one target that were accepted in one hour (its beginning, UTC)."""

    target_id: int
    hour: datetime
    channel: str
    share_class: str
    day: date
    count: int


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


def grouped(events: Iterable[Event]) -> list[Group]:
    """Add events up by target, hour of acceptance, channel, class and day (UTC), in that order."""
    numbers = Counter(
        (
            event.target_id,
            _hour(event.accepted_at or event.occurred_at),
            event.channel,
            event.share_class.value,
            event.occurred_at.astimezone(UTC).date(),
        )
        for event in events
    )
    return [Group(*key, count=count) for key, count in sorted(numbers.items())]


def add_to_counts(groups: Iterable[Group]) -> None:
    """Add to the counts of days, to each target's total and to each day's sum."""
    days: Counter[tuple[Any, ...]] = Counter()
    sums: Counter[tuple[Any, ...]] = Counter()
    totals: dict[int, dict[str, int]] = {}
    for group in groups:
        days[group.target_id, group.channel, group.share_class, group.day] += group.count
        sums[group.day, group.channel, group.share_class] += group.count
        total = totals.setdefault(group.target_id, dict.fromkeys(ShareClass.values, 0))
        total[group.share_class] += group.count
    if not days:
        return
    _add(ShareCount, ("target_id", "channel", "share_class", "day"), ("count",), days)
    _add(ShareDay, ("day", "channel", "share_class"), ("count",), sums)
    classes = tuple(ShareClass.values)
    numbers = {
        (target,): tuple(total[each] for each in classes) for target, total in totals.items()
    }
    _add(ShareTotal, ("target_id",), classes, numbers)


def _add(
    model: type[models.Model],
    key: Sequence[str],
    numbers: Sequence[str],
    added: Mapping[tuple[Any, ...], int | tuple[int, ...]],
) -> None:
    """Add numbers to the rows of their keys, which are made where they are missing."""
    table = connection.ops.quote_name(model._meta.db_table)
    rows = [
        (*each, *(value if isinstance(value, tuple) else (value,)))
        for each, value in sorted(added.items())
    ]
    more = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in numbers)
    _insert(model, (*key, *numbers), rows, f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {more}")


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


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
