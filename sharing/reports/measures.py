"""Which numbers a report shows, what they are called, and what they mean."""

from collections.abc import Callable
from dataclasses import dataclass

from sharing.models import ShareClass
from sharing.tallies import Tally

Number = int | float | None

# What each class is and where its numbers come from, in an editor's words.
MEANINGS = {
    ShareClass.INTENT: (
        "A reader chose a network.",
        "Our share links, when the network's own form is opened.",
    ),
    ShareClass.HANDED_OVER: (
        "A reader copied the link or handed it to the device.",
        "A message from the reader's page.",
    ),
    ShareClass.ARRIVAL: (
        "A reader came through a shared link.",
        "Our short links; a lower bound, because some apps strip links.",
    ),
    ShareClass.OBSERVED: (
        "A network told how often our own post was shared.",
        "The network.",
    ),
    ShareClass.MENTION: (
        "Somebody named our page elsewhere.",
        "The place that named it.",
    ),
}


@dataclass(frozen=True)
class Measure:
    """One column of numbers."""

    key: str
    heading: str
    number: Callable[[Tally], Number]


SHARED = Measure("shared", "Shared", lambda tally: tally.shared)
PER_SHARE = Measure("per_share", "Arrivals per share", lambda tally: tally.arrivals_per_share)
# Counted on every site; the other classes appear once there is something of them.
ALWAYS = (ShareClass.INTENT, ShareClass.HANDED_OVER, ShareClass.ARRIVAL)


def of_class(share_class: ShareClass) -> Measure:
    """Return the column of one class."""
    return Measure(share_class.value, str(share_class.label), lambda tally: tally.of(share_class))


def classes_shown(share_class: str, everything: Tally) -> list[ShareClass]:
    """Return the classes that a report shows: the one asked for, or those that are counted."""
    if share_class:
        return [ShareClass(share_class)]
    return [each for each in ShareClass if each in ALWAYS or everything.of(each)]


def measures(share_class: str, everything: Tally) -> list[Measure]:
    """Return the columns of a report, the one it is ordered by first."""
    columns = [of_class(each) for each in classes_shown(share_class, everything)]
    return columns if share_class else [SHARED, *columns, PER_SHARE]


def shown(number: Number) -> str:
    """Return a number as people read it; what cannot be told is a dash, never a zero."""
    if number is None:
        return "–"
    return f"{number:,}" if isinstance(number, int) else f"{number:.2f}"


def difference(now: int, before: int, days: int) -> str:
    """Say in words how a number compares with the period before."""
    span = "the day before" if days == 1 else f"the {days:,} days before"
    if before == 0:
        return f"none in {span}" if now else f"none in {span} either"
    if now == before:
        return f"as many as in {span}"
    word = "more" if now > before else "fewer"
    apart = abs(now - before)
    return f"{apart:,} {word}{percent(apart, before)} than in {span} ({before:,})"


def percent(apart: int, before: int) -> str:
    """Return a difference in per cent, in brackets and with a space before it; empty where it says nothing.

    A part of a handful is no percentage, and one of four digits says nothing. Only all of it is 100% fewer.
    """
    if before < 10 or apart >= before * 10:
        return ""
    if before * 0.995 <= apart < before:
        return " (over 99%)"
    return f" ({apart * 100 / before:.0f}%)"
