"""What was sent, told by who sent it, and how it compares to what is counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from django.db.models import F

from sharing.models import (
    HeldCount,
    ShareBurst,
    ShareClass,
    ShareCount,
    ShareDay,
    ShareEvent,
    ShareTotal,
)
from sharing.stream import Event

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a count is kept by."""

    target_id: int
    channel: str
    share_class: str
    day: date


@dataclass(frozen=True, slots=True)
class Sent:
    """An event as its producer remembers it; unanswered, it counts at most once."""

    event_id: UUID
    cell: Cell
    is_answered: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """All that is counted or held back, as the database has it."""

    ids: set[UUID]
    counts: Counter[Cell]
    held: Counter[Cell]
    totals: Counter[tuple[int, str]]
    days: Counter[tuple[date, str, str]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How what is counted differs from what was sent."""

    sent: int
    unanswered: int
    lost: int
    doubled: int
    # Sums beside the counts of days that are not their sums.
    wrong_sums: int
    held: int

    @property
    def is_exact(self) -> bool:
        """Tell whether each event is counted or held once, and every sum is one."""
        return not (self.lost or self.doubled or self.wrong_sums)


def cell_of(event: Event) -> Cell:
    """Return where an event counts."""
    day = event.occurred_at.astimezone(UTC).date()
    return Cell(event.target_id, event.channel, event.share_class.value, day)


def line_of(event: Event, *, is_answered: bool) -> str:
    """Return a line of a producer's file."""
    cell = cell_of(event)
    words = (event.event_id.hex, cell.target_id, cell.channel, cell.share_class, cell.day)
    return " ".join(map(str, (*words, "answered" if is_answered else "unanswered"))) + "\n"


def read(files: Iterable[Path]) -> Iterator[Sent]:
    """Read what producers wrote."""
    for file in files:
        for line in file.read_text().splitlines():
            event_id, target, channel, share_class, day, answer = line.split()
            cell = Cell(int(target), channel, share_class, date.fromisoformat(day))
            yield Sent(UUID(event_id), cell, answer == "answered")


def counted() -> Counted:
    """Read what the database has."""
    keys = ("target_id", "channel", "share_class", "day", "count")
    held = (
        HeldCount.objects.filter(burst__state=ShareBurst.State.HELD)
        .annotate(target_id=F("burst__target_id"))
        .values_list(*keys)
    )
    return Counted(
        ids=set(ShareEvent.objects.values_list("event_id", flat=True)),
        counts=_cells(ShareCount.objects.values_list(*keys)),
        held=_cells(held),
        totals=Counter(
            {
                (row.target_id, name): number
                for row in ShareTotal.objects.all()
                for name in ShareClass.values
                if (number := getattr(row, name))
            }
        ),
        days=Counter(
            {(row.day, row.channel, row.share_class): row.count for row in ShareDay.objects.all()}
        ),
    )


def compare(sent: Iterable[Sent], found: Counted) -> Verdict:
    """Tell how what is counted or held differs from what was sent."""
    sent = list(sent)
    answered = {each.event_id for each in sent if each.is_answered}
    expected = Counter(each.cell for each in sent if each.is_answered or each.event_id in found.ids)
    actual = found.counts + found.held
    unheard_of = found.ids - {each.event_id for each in sent}
    return Verdict(
        sent=len(answered),
        unanswered=len(sent) - len(answered),
        lost=max(len(answered - found.ids), (expected - actual).total()),
        doubled=max(len(unheard_of), (actual - expected).total()),
        wrong_sums=wrong_sums(found),
        held=found.held.total(),
    )


def differences(sent: Iterable[Sent], found: Counted, limit: int = 10) -> list[str]:
    """Return the first few cells that differ, a line each."""
    expected = Counter(each.cell for each in sent if each.is_answered or each.event_id in found.ids)
    actual = found.counts + found.held
    wrong = [cell for cell in expected | actual if expected[cell] != actual[cell]]
    return [f"{cell}: sent {expected[cell]}, counted {actual[cell]}" for cell in wrong[:limit]]


def wrong_sums(found: Counted) -> int:
    """Return how many of the sums beside the counts of days are not their sums."""
    totals: Counter[tuple[int, str]] = Counter()
    days: Counter[tuple[date, str, str]] = Counter()
    for cell, number in found.counts.items():
        totals[cell.target_id, cell.share_class] += number
        days[cell.day, cell.channel, cell.share_class] += number
    return _differ(totals, found.totals) + _differ(days, found.days)


def _differ(left: Mapping[K, int], right: Mapping[K, int]) -> int:
    return sum(left.get(key, 0) != right.get(key, 0) for key in {*left, *right})


def _cells(rows: Iterable[tuple[int, str, str, date, int]]) -> Counter[Cell]:
    cells: Counter[Cell] = Counter()
    for target, channel, share_class, day, number in rows:
        cells[Cell(target, channel, share_class, day)] += number
    return cells


def now() -> datetime:
    """Return the moment, in UTC."""
    return datetime.now(UTC)
