"""Counts added up by the database: by day, by channel, by article and section."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Upper

from sharing.models import TOTAL_CLASSES, ShareClass, ShareCount, ShareDay, ShareTarget

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


@dataclass(frozen=True)
class Published:
    """What was ever published, as far as a report offers it to choose from.

    `articles` are the first ones by title, and `more` whether there are others; `chosen` is one article, first,
    and its sections.
    """

    articles: tuple[Named, ...]
    more: bool
    chosen: tuple[Named, ...]


def published(page_id: int | None, most: int) -> Published:
    """Return at most so many articles to choose from, and one with its sections; one query."""
    # An index has them in this order.
    in_order = (Upper("label"), "pk")
    first = ShareTarget.objects.filter(block_id=None).order_by(*in_order)[: most + 1]
    if page_id is None:
        rows = _named(first)
    else:
        either = Q(pk__in=first.values("pk")) | Q(page_id=page_id)
        rows = _named(ShareTarget.objects.filter(either).order_by(*in_order))
    # The article that is chosen is in its place among the others, or after the first ones.
    articles = [row for row in rows if not row.is_section][: most + 1]
    chosen = sorted((row for row in rows if row.page_id == page_id), key=lambda row: row.is_section)
    return Published(tuple(articles[:most]), len(articles) > most, tuple(chosen))


def _named(targets: QuerySet[ShareTarget]) -> list[Named]:
    rows = targets.values_list("pk", "page_id", "code", "label", "block_id")
    return [
        Named(pk, page_id, code, label, block_id is not None)
        for pk, page_id, code, label, block_id in rows
    ]


def _counts(scope: Scope, *, channel: bool = True) -> QuerySet[Any]:
    days = {"day__range": (scope.first, scope.last)}
    # Of all targets there is one row a day, channel and class.
    of_all = scope.target_ids is None and not scope.title
    counts: QuerySet[Any] = (
        ShareDay.objects.filter(**days) if of_all else ShareCount.objects.filter(**days)
    )
    if scope.target_ids is not None:
        counts = counts.filter(target_id__in=scope.target_ids)
    if scope.title:
        counts = counts.filter(target__label__icontains=scope.title)
    if scope.share_class:
        counts = counts.filter(share_class=scope.share_class)
    if channel and scope.channel:
        counts = counts.filter(channel=scope.channel)
    return counts


def _pivot(counts: QuerySet[Any], key: str) -> dict[Any, Tally]:
    rows = counts.order_by().values_list(key, "share_class").annotate(total=Sum("count"))
    found: dict[Any, dict[str, int]] = {}
    for value, share_class, number in rows:
        # PostgreSQL adds big integers up as decimals.
        found.setdefault(value, {})[share_class] = int(number)
    return {value: Tally(**numbers) for value, numbers in found.items()}
