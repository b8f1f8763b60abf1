"""The statements that count each event once, on PostgreSQL and SQLite alike.

They must run in one transaction, which begins with `take_turns`. Event ids decide: an id that is there already adds nothing, however often
its event comes back after a crash, a retry or a restored stream.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sharing import many_rows
from sharing.models import ShareClass, ShareCount, ShareDay, ShareEvent, ShareTarget, ShareTotal
from sharing.stream import BEGINNING, Accepted, text_of

# The first fields of Accepted; the others say where it is counted.
_COLUMNS = ("event_id", "occurred_at", "target_id", "channel", "share_class")


class Group(NamedTuple):
    """So many new events of one target that were accepted in one hour (its beginning, UTC)."""

    target_id: int
    hour: datetime
    channel: str
    share_class: str
    day: date
    number: int


def take_turns() -> None:
    """Let one transaction count at a time; the first statement of each that does."""
    many_rows.take_turns(ShareEvent)


def known(targets: Iterable[int]) -> set[int]:
    """Return those of some targets that are there."""
    return many_rows.existing(ShareTarget, targets)


def insert_new(events: Iterable[Accepted], *, recorded_at: datetime) -> list[Group]:
    """Insert events; return those that were not there yet, each id once, added up as `grouped` does."""
    by_id = {event[0]: event for event in events}
    if not by_id:
        return []
    # Sorted, like the counts: two transactions take their rows in one order and cannot deadlock.
    ordered = [by_id[event_id] for event_id in sorted(by_id)]
    groups: list[Group] = []
    repeated = many_rows.insert_missing(
        ShareEvent,
        _COLUMNS,
        ordered,
        alike={"recorded_at": text_of(recorded_at)},
        meanwhile=lambda: groups.extend(grouped(ordered)),
    )
    return _less(groups, grouped([by_id[each] for each in repeated])) if repeated else groups


def grouped(events: Iterable[Accepted]) -> list[Group]:
    """Add events up by target, hour of acceptance, channel, class and day (UTC), in that order."""
    numbers = Counter([event[2:] for event in events])
    # Sorted as plain numbers and texts, which is what takes the time here.
    ordered = sorted(
        [
            (target_id, hour, channel, share_class, day, number)
            for (target_id, channel, share_class, day, hour), number in numbers.items()
        ]
    )
    days = {key[3]: (BEGINNING + timedelta(days=key[3])).date() for key in numbers}
    hours = {key[4]: BEGINNING + timedelta(hours=key[4]) for key in numbers}
    new = tuple.__new__
    return [
        new(Group, (target_id, hours[hour], channel, share_class, days[day], number))
        for target_id, hour, channel, share_class, day, number in ordered
    ]


def _less(groups: Iterable[Group], others: Iterable[Group]) -> list[Group]:
    """Return groups without the numbers of others."""
    numbers = {group[:-1]: group.number for group in others}
    left = (
        group._replace(number=group.number - numbers[group[:-1]])
        if group[:-1] in numbers
        else group
        for group in groups
    )
    return [group for group in left if group.number]


def add_to_counts(groups: Iterable[Group]) -> None:
    """Add to the counts of days, to each target's total and to each day's sum."""
    counts: dict[tuple[Any, ...], int] = {}
    sums: dict[tuple[Any, ...], int] = {}
    totals: dict[int, list[int]] = {}
    classes = {name: at for at, name in enumerate(ShareClass.values)}
    for group in groups:
        target_id, share_class, number = group.target_id, group.share_class, group.number
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
