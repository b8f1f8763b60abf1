"""The statements that count each event once, on PostgreSQL and SQLite alike.

They must run in one transaction, which begins with `take_turns`. Event ids decide: an id that is there already adds nothing, however often
its event comes back after a crash, a retry or a restored stream.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sharing import many_rows
from sharing.models import ShareClass, ShareCount, ShareDay, ShareEvent, ShareTarget, ShareTotal
from sharing.stream import Accepted, text_of

# The first fields of Accepted; the others say where it is counted.
_COLUMNS = ("event_id", "occurred_at", "target_id", "channel", "share_class")
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Group:
    """So many new events of one target that were accepted in one hour (its beginning, UTC)."""

    target_id: int
    hour: datetime
    channel: str
    share_class: str
    day: date
    count: int


def take_turns() -> None:
    """Let one transaction count at a time; the first statement of each that does."""
    many_rows.take_turns(ShareEvent)


def known(targets: Iterable[int]) -> set[int]:
    """Return those of some targets that are there."""
    return many_rows.existing(ShareTarget, targets)


def insert_new(events: Iterable[Accepted], *, recorded_at: datetime) -> list[Accepted]:
    """Insert events and return those that were not there yet, each once, in the order of their ids."""
    by_id = {event[0]: event for event in events}
    if not by_id:
        return []
    # Sorted, like the counts: two transactions take their rows in one order and cannot deadlock.
    ordered = [by_id[event_id] for event_id in sorted(by_id)]
    repeated = many_rows.insert_missing(
        ShareEvent,
        _COLUMNS,
        [event[: len(_COLUMNS)] for event in ordered],
        alike={"recorded_at": text_of(recorded_at)},
    )
    return [event for event in ordered if event[0] not in repeated] if repeated else ordered


def grouped(events: Iterable[Accepted]) -> list[Group]:
    """Add events up by target, hour of acceptance, channel, class and day (UTC), in that order."""
    numbers = Counter([event[2:] for event in events])
    days = {key[3]: (_BEGINNING + timedelta(days=key[3])).date() for key in numbers}
    hours = {key[4]: _BEGINNING + timedelta(hours=key[4]) for key in numbers}
    ordered = sorted(
        [
            (target_id, hour, channel, share_class, day, count)
            for (target_id, channel, share_class, day, hour), count in numbers.items()
        ]
    )
    return [
        Group(target_id, hours[hour], channel, share_class, days[day], count)
        for target_id, hour, channel, share_class, day, count in ordered
    ]


def add_to_counts(groups: Iterable[Group]) -> None:
    """Add to the counts of days, to each target's total and to each day's sum."""
    counts: dict[tuple[Any, ...], int] = {}
    sums: dict[tuple[Any, ...], int] = {}
    totals: dict[int, list[int]] = {}
    classes = {name: at for at, name in enumerate(ShareClass.values)}
    for group in groups:
        target_id, share_class, number = group.target_id, group.share_class, group.count
        key = (target_id, group.channel, share_class, group.day)
        counts[key] = counts.get(key, 0) + number
        of_all = (group.day, group.channel, share_class)
        sums[of_all] = sums.get(of_all, 0) + number
        total = totals.get(target_id)
        if total is None:
            total = totals[target_id] = [0] * len(classes)
        total[classes[share_class]] += number
    if not counts:
        return
    many_rows.add(
        ShareCount, ("target_id", "channel", "share_class", "day"), ("count",), _rows(counts)
    )
    many_rows.add(ShareDay, ("day", "channel", "share_class"), ("count",), _rows(sums))
    many_rows.add(
        ShareTotal,
        ("target_id",),
        tuple(classes),
        [(target_id, *total) for target_id, total in sorted(totals.items())],
    )


def _rows(numbers: dict[tuple[Any, ...], int]) -> list[tuple[Any, ...]]:
    return sorted([(*key, number) for key, number in numbers.items()])
