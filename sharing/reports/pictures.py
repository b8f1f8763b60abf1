"""What the pictures of a report show, and the sentence that says it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe

from sharing import charts
from sharing.charts import Bars, OverTime, Series
from sharing.models import ShareClass
from sharing.reports.measures import SHARED, Measure, of_class
from sharing.reports.periods import Period, day_words
from sharing.reports.tables import Days
from sharing.reports.targets import Counted
from sharing.tallies import Tally

MOST_CHANNELS = 12
MOST_TARGETS = 10


@dataclass(frozen=True)
class Picture:
    """A picture in two sizes, and its sentence."""

    title: str
    sentence: str
    wide: SafeString
    narrow: SafeString


def series_of(share_class: str) -> tuple[Measure | None, Measure | None]:
    """Return what is drawn filled and what is drawn as arrivals; a class asked for is alone."""
    arrivals = of_class(ShareClass.ARRIVAL)
    if not share_class:
        return SHARED, arrivals
    if share_class == ShareClass.ARRIVAL:
        return None, arrivals
    return of_class(ShareClass(share_class)), None


def over_time(days: Days, share_class: str) -> Picture:
    """Draw numbers by day, or by seven days where the period is long."""
    spans = days.spans()
    # A first span of fewer days would look like a rise; the table beneath has it.
    if days.by_seven and spans[0].days < 7:
        spans = spans[1:]
    tallies = [days.of(span) for span in spans]
    filled, arrivals = series_of(share_class)
    step = "seven days" if days.by_seven else "day"
    said = " ".join(
        _course(measure, spans, tallies, step) for measure in (filled, arrivals) if measure
    )
    chart = OverTime(
        key="over-time",
        title=f"{_names(filled, arrivals)} by {step}, {days.period.words}",
        description=said,
        labels=[_short(span) for span in spans],
        columns=_series(filled, tallies),
        line=_series(arrivals, tallies),
    )
    return _picture(
        chart.title, said, charts.over_time(chart), charts.over_time(chart, narrow=True)
    )


def by_channel(tallies: Sequence[tuple[str, Tally]], share_class: str, period: Period) -> Picture:
    """Draw the largest channels, in the order given."""
    return _bars(
        "by-channel", "by channel", tallies, share_class, period, MOST_CHANNELS, "channels", len(tallies)
    )  # fmt: skip


def top_sections(rows: Sequence[Counted], share_class: str, period: Period) -> Picture:
    """Draw the sections that come first; a row more than are drawn tells that there are more."""
    named = [(row.name, row.tally) for row in rows]
    return _bars(
        "top-sections", "of the sections that come first", named, share_class, period, MOST_TARGETS, "sections",
        None,
    )  # fmt: skip


def by_target(rows: Sequence[Counted], count: int, share_class: str, period: Period) -> Picture:
    """Draw the articles and sections that come first, of so many."""
    named = [(row.name, row.tally) for row in rows]
    return _bars(
        "by-title",
        "by article and section",
        named,
        share_class,
        period,
        MOST_TARGETS,
        "articles and sections",
        count,
    )


def _bars(
    key: str, by: str, named: Sequence[tuple[str, Tally]], share_class: str, period: Period, most: int, things: str,
    count: int | None,
) -> Picture:  # fmt: skip
    filled, arrivals = series_of(share_class)
    some = named[:most]
    tallies = [tally for _, tally in some]
    sentence = _first(some, filled or arrivals)
    if (len(named) if count is None else count) > most:
        of = "" if count is None else f"of {count:,} "
        sentence += f" The first {most} {of}{things} are drawn; the table has all."
    solid, dotted = _series(filled, tallies), None
    if filled is SHARED:
        # The two classes of what is shared, one after the other: their sum is told, and both are seen.
        solid = _series(of_class(ShareClass.INTENT), tallies)
        dotted = _series(of_class(ShareClass.HANDED_OVER), tallies)
    chart = Bars(
        key=key,
        title=f"{_names(filled, arrivals)} {by}, {period.words}",
        description=sentence,
        labels=[name for name, _ in some],
        solid=solid,
        hatched=_series(arrivals, tallies),
        names_above=key != "by-channel",
        dotted=dotted,
    )
    return _picture(chart.title, sentence, charts.bars(chart), charts.bars(chart, narrow=True))


def funnel(tally: Tally) -> str:
    """Say what was shared and what came of it, each number with what it is."""
    shares = f"{tally.shared:,} share{'' if tally.shared == 1 else 's'}"
    if tally.intent and tally.handed_over:
        shares += f" ({tally.intent:,} intent{'' if tally.intent == 1 else 's'}, {tally.handed_over:,} handed over)"
    arrivals = f"at least {tally.arrival:,} arrival{'' if tally.arrival == 1 else 's'}"
    if not tally.arrival:
        arrivals = "no arrival that we could see"
    sentence = f"{shares}, and {arrivals}"
    ratio = tally.arrivals_per_share
    return f"{sentence}: {ratio:,.2f} for each share." if ratio is not None else f"{sentence}."


def _picture(title: str, sentence: str, wide: str, narrow: str) -> Picture:
    # The markup is the serializer's own, in which all text is escaped.
    return Picture(title, sentence, mark_safe(wide), mark_safe(narrow))  # noqa: S308


def _series(measure: Measure | None, tallies: Sequence[Tally | None]) -> Series | None:
    if measure is None:
        return None
    return Series(measure.heading, [_whole(measure, tally) for tally in tallies])


def _whole(measure: Measure, tally: Tally | None) -> int | None:
    if tally is None:
        return None
    number = measure.number(tally)
    return number if isinstance(number, int) else None


def _names(*measures: Measure | None) -> str:
    return " and ".join(
        each.heading if place == 0 else each.heading.lower()
        for place, each in enumerate(filter(None, measures))
    )


def _course(
    measure: Measure, spans: Sequence[Period], tallies: Sequence[Tally | None], step: str
) -> str:
    """Say the sum and the peak of a series."""
    known = [
        (_whole(measure, tally) or 0, span)
        for tally, span in zip(tallies, spans, strict=True)
        if tally is not None
    ]
    everything = sum(number for number, _ in known)
    if not everything:
        return f"{measure.heading}: none."
    most, when = max(known, key=lambda pair: pair[0])
    day = day_words(when.last)
    at = f"in the seven days to {day}" if step != "day" else f"on {day}"
    return f"{measure.heading}: {everything:,} in all, most {at} ({most:,})."


def _first(named: Sequence[tuple[str, Tally]], measure: Measure | None) -> str:
    if not named or measure is None:
        return "Nothing to show."
    name, tally = max(named, key=lambda pair: _whole(measure, pair[1]) or 0)
    number = _whole(measure, tally) or 0
    return f"{charts.plain_text(name)} comes first with {number:,} ({measure.heading.lower()})."


def _short(span: Period) -> str:
    return f"{span.last.day} {span.last:%b}"
