"""What is told of floods of shares: to editors alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low

from django.db.models import Count, Sum

from sharing.models import HeldCount, ShareBurst, ShareHour

# So many hours up to the flood are drawn.
HOURS_DRAWN = 48
# Usual hours are told of this time before the flood.
USUAL = timedelta(days=28)


@dataclass(frozen=True)
class Hour:
    """An hour of a target: the shares accepted in it, and how many of them are counted."""

    hour: datetime
    accepted: int
    counted: int


@dataclass(frozen=True)
class Flood:
    """What an editor judges a flood by. Numbers are shares; None where they are no longer kept."""

    burst: ShareBurst  # with its target and who decided
    held: int  # beyond the limit, whatever was decided
    accepted: int | None  # in this hour, all of them
    arrivals: int | None
    by_channel: Sequence[tuple[str, int]]  # of what is beyond the limit, most first
    by_class: Sequence[tuple[str, int]]
    # Of the hours of the 28 days before that had any share, without other floods' excess.
    usual_hours: int
    usual: int
    busiest: int
    drawn: Sequence[Hour]  # the hours before and the flood's own, without gaps

    @property
    def is_forgotten(self) -> bool:
        """Tell whether its numbers are no longer kept: then nothing can be changed."""
        return not self.held

    @property
    def counted(self) -> int | None:
        """Return how many shares of this hour are in the counts now."""
        if self.accepted is None:
            return None
        is_counted = self.burst.state == ShareBurst.State.ACCEPTED
        return self.accepted if is_counted else self.accepted - self.held


@dataclass(frozen=True)
class Undecided:
    """Floods that wait for a decision, and the shares in them."""

    floods: int
    shares: int


def undecided(page_id: int | None = None) -> Undecided:
    """Return what waits, of one article and its sections or of all; with one query."""
    bursts = ShareBurst.objects.filter(state=ShareBurst.State.HELD)
    if page_id is not None:
        bursts = bursts.filter(target__page_id=page_id)
    found = bursts.aggregate(floods=Count("pk", distinct=True), shares=Sum("held__count"))
    return Undecided(found["floods"], int(found["shares"] or 0))


def floods(bursts: Iterable[ShareBurst]) -> list[Flood]:
    """Return what there is to tell of some floods, with two queries."""
    bursts = list(bursts)
    if not bursts:
        return []
    channels: dict[int, Counter[str]] = {burst.pk: Counter() for burst in bursts}
    classes: dict[int, Counter[str]] = {burst.pk: Counter() for burst in bursts}
    for held in HeldCount.objects.filter(burst__in=bursts):
        channels[held.burst_id][held.channel] += held.count
        classes[held.burst_id][held.share_class] += held.count
    hours: dict[int, dict[datetime, ShareHour]] = {burst.target_id: {} for burst in bursts}
    for row in ShareHour.objects.filter(
        target_id__in=hours,
        hour__gte=min(burst.hour for burst in bursts) - USUAL,
        hour__lte=max(burst.hour for burst in bursts),
    ):
        hours[row.target_id][row.hour] = row
    return [
        _flood(burst, channels[burst.pk], classes[burst.pk], hours[burst.target_id])
        for burst in bursts
    ]


def _flood(
    burst: ShareBurst,
    channels: Counter[str],
    classes: Counter[str],
    hours: dict[datetime, ShareHour],
) -> Flood:
    own = hours.get(burst.hour)
    before = [row.counted for hour, row in hours.items() if burst.hour - USUAL <= hour < burst.hour]
    usual = [counted for counted in before if counted]
    return Flood(
        burst=burst,
        held=channels.total(),
        accepted=own.accepted if own else None,
        arrivals=own.arrivals if own else None,
        by_channel=_most_first(channels),
        by_class=_most_first(classes),
        usual_hours=len(usual),
        usual=median_low(usual) if usual else 0,
        busiest=max(usual, default=0),
        drawn=[
            _hour(burst.hour - timedelta(hours=back), hours) for back in range(HOURS_DRAWN, -1, -1)
        ],
    )


def _hour(moment: datetime, hours: dict[datetime, ShareHour]) -> Hour:
    row = hours.get(moment)
    return Hour(moment, row.accepted, row.counted) if row else Hour(moment, 0, 0)


def _most_first(numbers: Counter[str]) -> list[tuple[str, int]]:
    return sorted(numbers.items(), key=lambda each: (-each[1], each[0]))
