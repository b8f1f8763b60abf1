"""One step of a comparison: look, and where something differs and is to be repaired, look again and write."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from django.db import connection, transaction

from sharing.models import ShareCount, ShareTarget
from sharing.recounting.statements import CLASSES, Pair, table


class Sums(StrEnum):
    """What is recomputed."""

    TOTALS = "totals"
    DAYS = "days"
    STANDINGS = "standings"


@dataclass(frozen=True)
class Difference:
    """One number that is not what the counts add up to; `key` says whose it is."""

    what: Sums
    key: str
    kept: int
    computed: int

    def __str__(self) -> str:
        return f"{self.what}: {self.key}: {self.kept} is kept, {self.computed} was computed"


@dataclass(frozen=True)
class Step:
    """What one step found; `done` of `of` targets or days are looked at."""

    what: Sums
    done: int
    of: int
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Row:
    """A row that differs: the values of its key, and its numbers, one or one a class."""

    key: tuple[Any, ...]
    numbers: tuple[Pair, ...]

    @property
    def computed(self) -> tuple[int, ...]:
        """Return its numbers as they should be."""
        return tuple(computed for _, computed in self.numbers)

    @property
    def by_class(self) -> dict[str, int]:
        """Return its numbers as they should be, of a row that has one a class."""
        return dict(zip(CLASSES, self.computed, strict=True))


def settled(
    find: Callable[[], list[Row]], write: Callable[[list[Row]], None], *, repair: bool
) -> list[Row]:
    """Return what differs, and write it anew where it is to be repaired."""
    found = find()
    if found and repair:
        with transaction.atomic():
            _hold_counts()
            found = find()
            write(found)
    return found


def steps_through_targets(
    what: Sums,
    a_step: int,
    find: Callable[[int, int], list[Row]],
    write: Callable[[list[Row]], None],
    whose: Callable[[Row], str],
    *,
    repair: bool,
) -> Iterator[Step]:
    """Yield steps of so many targets; `find` is given the first and last id of each."""
    of = ShareTarget.objects.count()
    done = 0
    for first, last, done in _spans(a_step):
        rows = settled(partial(find, first, last), write, repair=repair)
        differences = tuple(
            Difference(what, f"{whose(row)}, {name}", kept, computed)
            for row in rows
            for name, (kept, computed) in zip(CLASSES, row.numbers, strict=True)
            if kept != computed
        )
        yield Step(what, done, max(of, done), differences)
    if not done:
        yield Step(what, 0, 0)


def _spans(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield the first and last id of so many targets at a time, and how many there were so far."""
    last, done = 0, 0
    while True:
        ids = ShareTarget.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
        span = list(ids[:size])
        if not span:
            return
        last = span[-1]
        done += len(span)
        yield span[0], last, done


def _hold_counts() -> None:
    """Let no one else write counts before this transaction ends; reports go on reading.

    SQLite holds every writer since the transaction began. On PostgreSQL a table is locked and not the
    position's row: the inbox, an editor's decision and the nightly job write counts too, without it.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table(ShareCount)} IN SHARE ROW EXCLUSIVE MODE")
