"""The burst guard: what comes in a flood is kept apart until an editor decides (docs/decisions/0020).

Shares (intents and handed-over) are guarded, for they make the public number. Arrivals are noted by the hour,
so that an editor can judge, and always count. Once a target's hour is over its limit everything more of it
goes to the flood, whatever was decided; the decision says whether the flood is counted as well. So the
counts tell nothing of when somebody decided, and a decision can be taken back.

Locks are taken in one order: the hour (by target and hour), its flood, then counts. Whoever decides takes them in
the same one.
"""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from sharing.counting import Group
from sharing.models import TOTAL_CLASSES, HeldCount, ShareBurst, ShareClass, ShareHour

GUARDED = frozenset(TOTAL_CLASSES)
# An hour may have so many times what the busiest one had in this time.
TIMES_THE_BUSIEST = 4
REMEMBERED = timedelta(days=28)
# An hour that nobody looked at teaches only when it is so old: else a flood could raise its own limit.
TEACHES_AFTER = timedelta(days=1)
# So many rows are forgotten in one statement.
_AT_A_TIME = 5000

Key = tuple[int, datetime]


def let_through(groups: list[Group]) -> list[Group]:
    """Return what counts at once, and hold the rest back; in the transaction that counts.

    `groups` are sorted, and what stands first is let through first. Costs one statement, and some more
    where an hour is over the limit.
    """
    base: int = settings.SHARE_BURST_LIMIT
    if not base:
        return groups
    shares: Counter[Key] = Counter()
    arrivals: Counter[Key] = Counter()
    for target_id, hour, _, share_class, _, number in groups:
        if share_class in GUARDED:
            shares[target_id, hour] += number
        elif share_class == ShareClass.ARRIVAL:
            arrivals[target_id, hour] += number
    hours = _add_to_hours(shares, arrivals)
    suspects = {
        key: counted
        for key, (accepted, counted) in hours.items()
        # Less was counted than accepted: there is a flood already.
        if shares[key] and (accepted > counted or counted > base)
    }
    if not suspects:
        return groups
    bursts, room = _floods(suspects, shares, base)
    return _held_back(groups, bursts, room) if bursts else groups


def prune_hours() -> int:
    """Forget hours that teach no limit any more and the numbers of old decisions; return how many rows.

    Floods that wait for a decision keep their numbers, however old.
    """
    now = timezone.now()
    old_hours = ShareHour.objects.filter(hour__lt=now - REMEMBERED - timedelta(hours=1))
    old_numbers = HeldCount.objects.filter(
        burst__decided_at__lt=now - settings.SHARE_BURST_RETENTION
    ).exclude(burst__state=ShareBurst.State.HELD)
    return _forget(old_hours) + _forget(old_numbers)


def _add_to_hours(shares: Counter[Key], arrivals: Counter[Key]) -> dict[Key, tuple[int, int]]:
    """Add as if everything counted; return (accepted, counted) afterwards, all of shares."""
    keys = sorted(shares.keys() | arrivals.keys())
    if not keys:
        return {}
    rows = [(*key, shares[key], shares[key], arrivals[key]) for key in keys]
    returned = _change_hours(rows, "+", "RETURNING target_id, hour, accepted, counted")
    # Few hours have many targets each.
    moments = {hour: _moment(hour) for hour in {row[1] for row in returned}}
    return {
        (target_id, moments[hour]): (accepted, counted)
        for target_id, hour, accepted, counted in returned
    }


def _floods(
    suspects: dict[Key, int], shares: Counter[Key], base: int
) -> tuple[dict[Key, ShareBurst], Counter[Key]]:
    """Return the floods of these hours, new ones made, and how many shares the new ones let through.

    `suspects` has what each hour counted, this batch included.
    """
    there = {
        (burst.target_id, burst.hour): burst
        # Whoever decides holds the hour's row, and we do; its row may have been forgotten, though.
        for burst in ShareBurst.objects.select_for_update()
        .filter(
            target_id__in={target for target, _ in suspects},
            hour__in={hour for _, hour in suspects},
        )
        .order_by("pk")
    }
    bursts = {key: there[key] for key in suspects if key in there}
    room: Counter[Key] = Counter()
    limits = _limits([key for key in suspects if key not in there], base)
    new = []
    for key, limit in sorted(limits.items()):
        if suspects[key] > limit:
            room[key] = max(0, limit - (suspects[key] - shares[key]))
            new.append(ShareBurst(target_id=key[0], hour=key[1], limit=limit))
    for burst in ShareBurst.objects.bulk_create(new):
        bursts[burst.target_id, burst.hour] = burst
    return bursts, room


def _limits(keys: list[Key], base: int) -> dict[Key, int]:
    """Return how many shares each target may have in an hour, by what it had before that hour."""
    if not keys:
        return {}
    flood = ShareBurst.objects.filter(target_id=OuterRef("target_id"), hour=OuterRef("hour"))
    rows = (
        ShareHour.objects.filter(
            target_id__in={target for target, _ in keys},
            hour__gte=min(hour for _, hour in keys) - REMEMBERED,
            hour__lt=max(hour for _, hour in keys),
            counted__gt=base // TIMES_THE_BUSIEST,
        )
        .annotate(
            accepted_flood=Exists(flood.filter(state=ShareBurst.State.ACCEPTED)),
            any_flood=Exists(flood),
        )
        .filter(Q(accepted_flood=True) | Q(any_flood=False))
        .values_list("target_id", "hour", "counted", "accepted_flood")
    )
    limits = dict.fromkeys(keys, base)
    taught: dict[int, list[tuple[datetime, int, bool]]] = {}
    for target_id, hour, counted, accepted in rows:
        taught.setdefault(target_id, []).append((hour, counted, accepted))
    for target_id, asked in keys:
        for hour, counted, accepted in taught.get(target_id, ()):
            until = asked if accepted else asked - TEACHES_AFTER
            if asked - REMEMBERED <= hour < until:
                limit = max(limits[target_id, asked], TIMES_THE_BUSIEST * counted)
                limits[target_id, asked] = limit
    return limits


def _held_back(
    groups: Iterable[Group], bursts: dict[Key, ShareBurst], room: Counter[Key]
) -> list[Group]:
    """Write what is over into its floods; return what counts."""
    through: list[Group] = []
    held: Counter[tuple[Any, ...]] = Counter()
    uncounted: Counter[Key] = Counter()
    for group in groups:
        key = (group.target_id, group.hour)
        burst = bursts.get(key)
        if burst is None or group.share_class not in GUARDED:
            through.append(group)
            continue
        passing = min(group.number, room[key])
        room[key] -= passing
        over = group.number - passing
        if over:
            held[burst.pk, group.channel, group.share_class, group.day] += over
        if burst.state == ShareBurst.State.ACCEPTED:
            passing = group.number
        else:
            uncounted[key] += over
        if passing:
            through.append(group._replace(number=passing))
    _hold(held)
    if taken := sorted((key, over) for key, over in uncounted.items() if over):
        _change_hours([(*key, 0, over, 0) for key, over in taken], "-")
    return through


def _hold(numbers: Counter[tuple[Any, ...]]) -> None:
    """Add to what floods have; nobody else does, for their rows are locked."""
    there = {
        (row.burst_id, row.channel, row.share_class, row.day): row
        for row in HeldCount.objects.filter(burst_id__in={burst_id for burst_id, *_ in numbers})
    }
    for key, number in numbers.items():
        if key in there:
            there[key].count += number
    HeldCount.objects.bulk_update([there[key] for key in numbers if key in there], ["count"])
    HeldCount.objects.bulk_create(
        HeldCount(
            burst_id=burst_id, channel=channel, share_class=share_class, day=day, count=number
        )
        for (burst_id, channel, share_class, day), number in numbers.items()
        if (burst_id, channel, share_class, day) not in there
    )


def _change_hours(
    rows: list[tuple[int, datetime, int, int, int]], sign: str, tail: str = ""
) -> list[tuple[Any, ...]]:
    """Add (target, hour, accepted, counted, arrivals) to hours, or take them; rows in order, one statement."""
    if connection.vendor == "postgresql":
        source = "unnest(%s::bigint[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[])"
        # As texts: the driver looks at each value of a list else.
        values: list[Any] = [
            f"{{{','.join(map(str, column))}}}" for column in zip(*rows, strict=True)
        ]
        source = f"SELECT * FROM {source}"  # noqa: S608 - our own words; values are parameters
    else:
        # Without a WHERE, SQLite takes ON CONFLICT for a join's ON.
        columns = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(5))
        source = f"SELECT {columns} FROM json_each(%s) WHERE true"  # noqa: S608
        adapt = connection.ops.adapt_datetimefield_value
        texts = {hour: adapt(hour) for hour in {row[1] for row in rows}}
        values = [json.dumps([(target, texts[hour], *more) for target, hour, *more in rows])]
    more = ", ".join(
        f"{name} = sharing_sharehour.{name} {sign} excluded.{name}"
        for name in ("accepted", "counted", "arrivals")
    )
    statement = (
        f"INSERT INTO sharing_sharehour (target_id, hour, accepted, counted, arrivals) {source}"
        f" ON CONFLICT (target_id, hour) DO UPDATE SET {more} {tail}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if tail else []


def _moment(value: datetime | str) -> datetime:
    """Return a moment as the database's driver has it: SQLite's as text, in UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _forget(rows: Any) -> int:
    """Delete rows, some at a time; those that somebody else has locked are left for the next night."""
    forgotten = 0
    while True:
        with transaction.atomic():
            some = list(
                rows.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[
                    :_AT_A_TIME
                ]
            )
            if not some:
                return forgotten
            forgotten += rows.model.objects.filter(pk__in=some).delete()[0]
