"""The tables of a report: one shape for the page and for the file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sharing.models import ShareClass
from sharing.reports.measures import MEANINGS, Measure, Number, classes_shown, difference, shown
from sharing.reports.periods import LONGEST_BY_DAY, Period
from sharing.reports.spreadsheet import Cell
from sharing.tallies import Tally, total


@dataclass(frozen=True)
class Row:
    """A line of a table: what it is about, and its numbers."""

    title: str
    numbers: Sequence[Number]
    detail: str = ""
    edit_url: str = ""
    only_query: str = ""  # what an address says to see this alone
    facts: Sequence[Cell] = ()  # what a file says beside the title

    @property
    def cells(self) -> list[str]:
        """Return the numbers as people read them."""
        return [shown(number) for number in self.numbers]


@dataclass(frozen=True)
class Table:
    """Rows under headings; `fact_headings` are the file's alone."""

    key: str
    caption: str
    subject: str
    measures: Sequence[Measure]
    rows: Sequence[Row]
    fact_headings: Sequence[str] = ()

    @property
    def headings(self) -> list[str]:
        """Return the headings of the file."""
        return [self.subject, *self.fact_headings, *(each.heading for each in self.measures)]

    def lines(self) -> Iterable[Sequence[Cell]]:
        """Return the lines of the file; what cannot be told is an empty cell."""
        return map(cells, self.rows)


@dataclass(frozen=True)
class ClassRow:
    """One class: its number now and before, and what it means."""

    name: str
    meaning: str
    source: str
    now: int
    before: int
    words: str


@dataclass(frozen=True)
class Days:
    """Numbers by day: what was counted, and up to which day anything is known."""

    period: Period
    tallies: Mapping[date, Tally]
    known_until: date | None = None

    @property
    def by_seven(self) -> bool:
        """Tell whether the period is long enough to be shown in spans of seven days."""
        return self.period.days > LONGEST_BY_DAY

    def spans(self) -> list[Period]:
        """Return what one point of the picture and one line of its table stand for, in order."""
        return self.period.sevens() if self.by_seven else self.each_day()

    def each_day(self) -> list[Period]:
        """Return the days in order."""
        return [Period(day, day) for day in self.period.each_day()]

    def of(self, span: Period) -> Tally | None:
        """Return the numbers of some days; None where not all of them are counted yet."""
        if self.known_until is not None and span.last > self.known_until:
            return None
        return total(self.tallies.get(day, Tally()) for day in span.each_day())


def numbers(measures: Iterable[Measure], tally: Tally | None) -> list[Number]:
    """Return one number a column; none where there is nothing to tell."""
    return [each.number(tally) if tally is not None else None for each in measures]


def cells(row: Row) -> list[Cell]:
    """Return a row as a line of a file."""
    return [row.title, *row.facts, *map(_exact, row.numbers)]


def by_class(
    share_class: str, now: Tally, before: Tally, days: int, *, asked: str = ""
) -> list[ClassRow]:
    """Return a row for each class that is shown; `asked` is how long ago networks were asked for theirs."""
    ages = {ShareClass.OBSERVED: f" Last asked {asked}."} if asked else {}
    return [
        ClassRow(
            str(each.label),
            MEANINGS[each][0],
            f"{MEANINGS[each][1]}{ages.get(each, '')}",
            now=now.of(each),
            before=before.of(each),
            words=difference(now.of(each), before.of(each), days),
        )
        for each in classes_shown(share_class, now + before)
    ]


def _exact(number: Number) -> Cell:
    return round(number, 4) if isinstance(number, float) else number
