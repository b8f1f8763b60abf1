"""Spans of days, as counts know them: whole days of Coordinated Universal Time (UTC)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

# Up to here a picture shows days; longer periods show sevens of days.
LONGEST_BY_DAY = 92
EARLIEST = date(2000, 1, 1)
LONGEST = 731

LAST_DAYS = (7, 28, 90, 365)
THIS_MONTH = "month"
CUSTOM = "custom"
DEFAULT = "28"
CHOICES = (
    *((str(days), f"Last {days} days") for days in LAST_DAYS),
    (THIS_MONTH, "This month"),
    (CUSTOM, "Dates of your own"),
)


class Unusable(ValueError):
    """Say in a sentence why two days make no period."""


@dataclass(frozen=True)
class Period:
    """The days from the first to the last, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Return how many days these are; at least one."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Period":
        """Return the period of the same length that ends where this one begins."""
        return Period(self.first - timedelta(self.days), self.first - timedelta(1))

    @property
    def words(self) -> str:
        """Return the period as a sentence has it: “1 to 28 November 2026”."""
        if self.first == self.last:
            return day_words(self.last)
        if (self.first.year, self.first.month) == (self.last.year, self.last.month):
            return f"{self.first.day} to {day_words(self.last)}"
        if self.first.year == self.last.year:
            return f"{self.first.day} {self.first:%B} to {day_words(self.last)}"
        return f"{day_words(self.first)} to {day_words(self.last)}"

    def each_day(self) -> Iterator[date]:
        """Return the days in order."""
        return (self.first + timedelta(number) for number in range(self.days))

    def sevens(self) -> list["Period"]:
        """Return spans of seven days, the last of which ends with the period.

        Counted from the end, so that no shorter last span looks like a fall; the first may be shorter.
        """
        spans = []
        last = self.last
        while last >= self.first:
            spans.append(Period(max(last - timedelta(6), self.first), last))
            last -= timedelta(7)
        return spans[::-1]


def day_words(day: date) -> str:
    """Return “5 November 2026”."""
    return f"{day.day} {day:%B} {day.year}"


def last_days(days: int, today: date) -> Period:
    """Return so many days, of which today is the last."""
    return Period(today - timedelta(days - 1), today)


def preset(name: str, today: date) -> Period:
    """Return a period of CHOICES other than CUSTOM."""
    if name == THIS_MONTH:
        return Period(today.replace(day=1), today)
    return last_days(int(name), today)


def custom(first: date, last: date, today: date) -> Period:
    """Return the period of two days that somebody chose; raises Unusable."""
    if first > last:
        raise Unusable("The first day is after the last day.")
    if last > today:
        raise Unusable(f"The last day is in the future; today is {day_words(today)} (UTC).")
    if first < EARLIEST:
        raise Unusable(f"The first day is before {day_words(EARLIEST)}.")
    period = Period(first, last)
    if period.days > LONGEST:
        raise Unusable(
            f"That is {period.days:,} days; a report covers {LONGEST} days (two years) at most."
        )
    return period
