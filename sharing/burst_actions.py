"""What an editor decides about a flood: counted, dropped, or open again. Each can be taken back."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from sharing import counting, standings
from sharing.count_models import FORGOTTEN_DAYS
from sharing.counting import Group
from sharing.models import (
    ShareBurst,
    ShareCount,
    ShareDay,
    ShareHour,
    ShareStanding,
    ShareTotal,
    StandingDay,
)

State = ShareBurst.State


class Changed(Exception):
    """Somebody else decided meanwhile; `burst` is the flood as it is now."""

    def __init__(self, burst: ShareBurst) -> None:
        super().__init__(f"{burst} is {burst.state} by now")
        self.burst = burst


class Forgotten(Exception):
    """The numbers of a decided flood are no longer kept, so nothing of it can be changed."""


def accept(*, burst: ShareBurst, user: Any, seen: str | None = None) -> bool:
    """Count a flood; return whether this changed anything.

    `seen` is the state that the user was shown; where it is neither that nor counted by now, raises
    Changed and does nothing. Raises Forgotten.
    """
    return _put(burst, State.ACCEPTED, user, seen)


def drop(*, burst: ShareBurst, user: Any, seen: str | None = None) -> bool:
    """Keep a flood out of the counts for good; return, take and raise as `accept` does."""
    return _put(burst, State.DROPPED, user, seen)


def reopen(*, burst: ShareBurst, user: Any, seen: str | None = None) -> bool:
    """Hold a flood back as if nobody had decided; return, take and raise as `accept` does."""
    return _put(burst, State.HELD, user, seen)


@transaction.atomic
def _put(burst: ShareBurst, state: State, user: Any, seen: str | None) -> bool:
    # Then the nightly standings miss nothing of it.
    counting.take_turns()
    # The hour first, as the drain does (sharing/bursts.py). It may be forgotten.
    hours = ShareHour.objects.filter(target_id=burst.target_id, hour=burst.hour)
    list(hours.select_for_update())
    now = ShareBurst.objects.select_for_update().get(pk=burst.pk)
    if now.state == state:
        return False
    if seen is not None and now.state != seen:
        raise Changed(now)
    groups = _groups(now)
    if not groups:
        raise Forgotten
    number = sum(group.number for group in groups)
    if state is State.ACCEPTED:
        counting.add_to_counts(groups)
        standings.add_late(groups)
        hours.update(counted=F("counted") + number)
    elif now.state == State.ACCEPTED:
        _take_from_counts(groups)
        hours.update(counted=F("counted") - number)
    open_again = state is State.HELD
    now.state = state
    now.decided_at = None if open_again else timezone.now()
    now.decided_by = None if open_again else user
    now.save(update_fields=["state", "decided_at", "decided_by"])
    return True


def _groups(burst: ShareBurst) -> list[Group]:
    return [
        Group(burst.target_id, burst.hour, held.channel, held.share_class, held.day, held.count)
        for held in burst.held.order_by("channel", "share_class", "day")
    ]


def _take_from_counts(groups: list[Group]) -> None:
    """Take out what `add_to_counts` added. The order of tables and rows is the same."""
    for group in groups:
        counts = ShareCount.objects.filter(
            target_id=group.target_id, channel=group.channel, share_class=group.share_class
        )
        _take(counts, group)
    for group in sorted(groups, key=lambda each: (each.day, each.channel, each.share_class)):
        days = ShareDay.objects.filter(channel=group.channel, share_class=group.share_class)
        _take(days, group)
    totals: dict[str, int] = {}
    for group in groups:
        totals[group.share_class] = totals.get(group.share_class, 0) + group.number
    ShareTotal.objects.filter(target_id=groups[0].target_id).update(
        **{share_class: F(share_class) - number for share_class, number in totals.items()}
    )
    # Of each day whose standings are written since, in order of the days.
    for group in sorted(groups, key=lambda each: (each.day, each.share_class)):
        written = StandingDay.objects.filter(day__gte=group.day).values_list("day", flat=True)
        ShareStanding.objects.of_target(group.target_id, written).update(
            **{group.share_class: F(group.share_class) - group.number}
        )


def _take(rows: Any, group: Group) -> None:
    """Take a number from its day, or from the days that are forgotten by now; raises Forgotten."""
    for day in (group.day, FORGOTTEN_DAYS):
        enough = rows.filter(day=day, count__gte=group.number)
        if enough.update(count=F("count") - group.number):
            return
    raise Forgotten
