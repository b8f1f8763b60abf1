"""Counts added up by the database: by day, by channel, by article and section."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Sum

from sharing.models import TOTAL_CLASSES, ShareClass, ShareCount, ShareTarget

# Fewer shares make a ratio that says nothing.
RATIO_MIN = 10


@dataclass(frozen=True)
class Tally:
    """How many events there were, by class; classes are never added but the two of `shared`."""

    intent: int = 0
    handed_over: int = 0
    arrival: int = 0
    observed: int = 0
    mention: int = 0

    @property
    def shared(self) -> int:
        """Return intents and handed-over shares."""
        return sum(self.of(each) for each in TOTAL_CLASSES)

    @property
    def arrivals_per_share(self) -> float | None:
        """Return arrivals per share; None where there are too few to divide, or nothing arrived."""
        if self.shared < RATIO_MIN or not self.arrival:
            return None
        return self.arrival / self.shared

    def of(self, share_class: ShareClass | str) -> int:
        """Return the number of one class."""
        number: int = getattr(self, str(share_class))
        return number

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(self))
        )

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True)
class Scope:
    """Which counts are meant. Days are UTC and included; None or an empty text is no limit."""

    first: date
    last: date
    target_ids: tuple[int, ...] | None = None
    title: str = ""
    channel: str = ""
    share_class: str = ""


@dataclass(frozen=True)
class Named:
    """An article or section that was ever published, under the title it had when last published."""

    target_id: int
    page_id: int
    code: str
    label: str
    is_section: bool


def total(tallies: Iterable[Tally]) -> Tally:
    """Add tallies up."""
    return sum(tallies, Tally())


def by_day(scope: Scope) -> dict[date, Tally]:
    """Return the days that have counts."""
    return _pivot(_counts(scope), "day")


def by_channel(scope: Scope) -> dict[str, Tally]:
    """Return the channels that have counts, whatever channel the scope names."""
    return _pivot(_counts(scope, channel=False), "channel")


def by_target(scope: Scope) -> dict[int, Tally]:
    """Return the articles and sections that have counts, by target id."""
    return _pivot(_counts(scope), "target_id")


def compared(scope: Scope, since: date) -> dict[int, tuple[Tally, Tally]]:
    """Return, by target id, the numbers from a day on and those before it, with one query.

    Only the days of the scope: it reaches back as far as the comparison does.
    """
    rows = (
        _counts(scope)
        .order_by()
        .values_list("target_id", "share_class")
        .annotate(
            now=Sum("count", filter=Q(day__gte=since), default=0),
            before=Sum("count", filter=Q(day__lt=since), default=0),
        )
    )
    found: dict[int, tuple[dict[str, int], dict[str, int]]] = {}
    for target_id, share_class, now, before in rows:
        numbers = found.setdefault(target_id, ({}, {}))
        numbers[0][share_class], numbers[1][share_class] = int(now), int(before)
    return {target_id: (Tally(**now), Tally(**then)) for target_id, (now, then) in found.items()}


def every_target() -> list[Named]:
    """Return all that was ever published, by title; an article's own row before its sections'.

    All of it with one query: a report names what has counts, and offers the rest to choose from.
    """
    rows = (
        ShareTarget.objects.annotate(
            is_section=ExpressionWrapper(Q(block_id__isnull=False), BooleanField())
        )
        .order_by("is_section", "label", "pk")
        .values_list("pk", "page_id", "code", "label", "is_section")
    )
    return [Named(*row) for row in rows]


def _counts(scope: Scope, *, channel: bool = True) -> QuerySet[ShareCount]:
    counts = ShareCount.objects.filter(day__range=(scope.first, scope.last))
    if scope.target_ids is not None:
        counts = counts.filter(target_id__in=scope.target_ids)
    if scope.title:
        counts = counts.filter(target__label__icontains=scope.title)
    if scope.share_class:
        counts = counts.filter(share_class=scope.share_class)
    if channel and scope.channel:
        counts = counts.filter(channel=scope.channel)
    return counts


def _pivot(counts: QuerySet[ShareCount], key: str) -> dict[Any, Tally]:
    rows = counts.order_by().values_list(key, "share_class").annotate(total=Sum("count"))
    found: dict[Any, dict[str, int]] = {}
    for value, share_class, number in rows:
        # PostgreSQL adds big integers up as decimals.
        found.setdefault(value, {})[share_class] = int(number)
    return {value: Tally(**numbers) for value, numbers in found.items()}
