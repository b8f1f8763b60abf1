"""The statements that count each event once, on PostgreSQL and SQLite alike.

They must run in one transaction. Event ids decide: an id that is there already adds nothing, however often
its event comes back after a crash, a retry or a restored stream.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sharing import many_rows
from sharing.models import ShareClass, ShareCount, ShareDay, ShareEvent, ShareTarget, ShareTotal
from sharing.stream import Accepted

_COLUMNS = ("event_id", "target_id", "channel", "share_class", "occurred_at")
_SECOND = 1_000_000
_DAY = 24 * 60 * 60 * _SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Group:
    """So many new events of one target that were accepted in one hour (its beginning, UTC)."""

    target_id: int
    hour: datetime
    channel: str
    share_class: str
    day: date
    count: int


def known_targets(events: Iterable[Accepted]) -> set[int]:
    """Return the targets of events, as far as they are there."""
    return many_rows.existing(ShareTarget, {event.target_id for event in events})


def insert_new(events: Iterable[Accepted], *, recorded_at: datetime) -> list[Accepted]:
    """Insert events and return those that were not there yet, each once, in the order of their ids."""
    by_id = {event.event_id: event for event in events}
    if not by_id:
        return []
    # Sorted, like the counts: two transactions take their rows in one order and cannot deadlock.
    ordered = [by_id[event_id] for event_id in sorted(by_id)]
    # Many events happen in the same second.
    seconds: dict[int, str] = {}
    rows = []
    for event_id, target_id, channel, share_class, occurred, _ in ordered:
        second, rest = divmod(occurred, _SECOND)
        beginning = seconds.get(second)
        if beginning is None:
            beginning = seconds[second] = _text(_EPOCH + timedelta(seconds=second))[:-6]
        rows.append((event_id, target_id, channel, share_class, f"{beginning}{rest:06}"))
    alike = {"recorded_at": _text(recorded_at)}
    repeated = many_rows.insert_missing(ShareEvent, _COLUMNS, rows, alike=alike)
    return [event for event in ordered if event.event_id not in repeated] if repeated else ordered


def grouped(events: Iterable[Accepted]) -> list[Group]:
    """Add events up by target, hour of acceptance, channel, class and day (UTC), in that order."""
    numbers = Counter(
        [
            (target_id, hour, channel, share_class, occurred // _DAY)
            for _, target_id, channel, share_class, occurred, hour in events
        ]
    )
    hours = {hour: _EPOCH + timedelta(hours=hour) for hour in {key[1] for key in numbers}}
    days = {day: (_EPOCH + timedelta(days=day)).date() for day in {key[4] for key in numbers}}
    return [
        Group(target_id, hours[hour], channel, share_class, days[day], count)
        for (target_id, hour, channel, share_class, day), count in sorted(numbers.items())
    ]


def add_to_counts(groups: Iterable[Group]) -> None:
    """Add to the counts of days, to each target's total and to each day's sum."""
    counts: Counter[tuple[Any, ...]] = Counter()
    sums: Counter[tuple[Any, ...]] = Counter()
    totals: dict[int, dict[str, int]] = {}
    for group in groups:
        counts[group.target_id, group.channel, group.share_class, group.day] += group.count
        sums[group.day, group.channel, group.share_class] += group.count
        total = totals.get(group.target_id)
        if total is None:
            total = totals[group.target_id] = dict.fromkeys(ShareClass.values, 0)
        total[group.share_class] += group.count
    if not counts:
        return
    many_rows.add(
        ShareCount, ("target_id", "channel", "share_class", "day"), ("count",), _rows(counts)
    )
    many_rows.add(ShareDay, ("day", "channel", "share_class"), ("count",), _rows(sums))
    many_rows.add(
        ShareTotal,
        ("target_id",),
        ShareClass.values,
        [(target_id, *total.values()) for target_id, total in sorted(totals.items())],
    )


def _rows(numbers: Counter[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(*key, number) for key, number in sorted(numbers.items())]


def _text(moment: datetime) -> str:
    """Return a moment as SQLite keeps it, and as PostgreSQL reads it where the connection's zone is UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
