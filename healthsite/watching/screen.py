"""Put a reading into lines of a terminal's width."""

import textwrap
from collections.abc import Mapping
from enum import Enum

from healthsite.health import LATE_SHARE, LATE_SWEEP
from healthsite.watching.reading import Rates, Reading
from sharing import pipeline

_LABEL = 12
_NARROWEST = 40
# Longer lines are harder to read than short ones.
_WIDEST = 100


class Tone(Enum):
    """What a line asks of whoever reads it, as a colour of the terminal."""

    PLAIN = ""
    GOOD = "\033[32m"
    BAD = "\033[31;1m"


_Line = tuple[str, str, Tone]


def lines(reading: Reading, rates: Rates, *, width: int, colours: bool) -> list[str]:
    """Return the screen, line by line; none is longer than `width` (at least 40)."""
    width = min(max(width, _NARROWEST), _WIDEST)
    moment = f"{reading.at:%Y-%m-%d %H:%M:%S} UTC"
    shown = [f"Share pipeline{moment:>{width - len('Share pipeline')}}", ""]
    for label, text, tone in _lines(reading, rates):
        wrapped = textwrap.wrap(text, width - _LABEL) or [""]
        for number, piece in enumerate(wrapped):
            painted = f"{tone.value}{piece}\033[0m" if colours and tone.value else piece
            shown.append(f"{label if not number else '':<{_LABEL}}{painted}")
    return shown


def _lines(reading: Reading, rates: Rates) -> list[_Line]:
    return [
        _parts(reading),
        *_waiting(reading),
        ("Rate", f"{_rate(rates.accepted)} accepted, {_rate(rates.counted)} counted", Tone.PLAIN),
        *_in_database(reading),
        *_troubles(reading),
        *_positions(reading),
    ]


def _parts(reading: Reading) -> _Line:
    if reading.silent:
        return ("Parts", "; ".join(f"{name} does not answer" for name in reading.silent), Tone.BAD)
    return ("Parts", "events, cache and database answer", Tone.GOOD)


def _waiting(reading: Reading) -> list[_Line]:
    stream, database = reading.stream, reading.database
    wait = reading.longest_wait
    late = Tone.BAD if wait is not None and wait > LATE_SHARE else Tone.PLAIN
    shown: list[_Line] = [
        ("Stream", f"{stream.length:,} waiting" if stream else "not known", late),
        ("Inbox", _inbox(database.inbox.length) if database else "not known", late),
        ("Oldest", f"waits for {seconds(wait)}" if wait is not None else "nothing waits", late),
    ]
    if stream is None:
        return shown
    age = pipeline.seconds_since(stream.swept_at)
    is_late = age is None or age > LATE_SWEEP
    said = "never" if age is None else f"{seconds(age)} ago"
    hint = ": does a worker run, and beat?" if is_late else ""
    shown.append(("Last sweep", said + hint, Tone.BAD if is_late else Tone.PLAIN))
    return shown


def _in_database(reading: Reading) -> list[_Line]:
    database = reading.database
    if database is None:
        return []
    kept = {name.replace("_", " "): number for name, number in database.counted.items() if number}
    filtered, refused = pipeline.split(database.uncounted)
    held = database.held
    return [
        ("Counted", _numbers(kept), Tone.PLAIN),
        ("Filtered", f"today: {_numbers(filtered)}", Tone.PLAIN),
        ("Refused", f"today: {_numbers(refused)}", Tone.PLAIN),
        (
            "Floods",
            f"{held.floods:,} held back, {held.events:,} events in them: an editor decides"
            if held.floods
            else "none held back",
            Tone.BAD if held.floods else Tone.PLAIN,
        ),
    ]


def _troubles(reading: Reading) -> list[_Line]:
    stream = reading.stream
    if stream is None:
        return []
    shown: list[_Line] = [
        (
            "Set aside",
            f"{stream.set_aside:,} that cannot be read: --set-aside lists them"
            if stream.set_aside
            else "none",
            Tone.BAD if stream.set_aside else Tone.PLAIN,
        )
    ]
    if stream.verified is None:
        return [*shown, ("Sums", "not compared yet: --recount does it", Tone.PLAIN)]
    differing = stream.verified.differences
    compared = f"compared {stream.verified.at:%Y-%m-%d %H:%M}"
    found = f"{differing:,} differ: --recount lists them" if differing else "none differs"
    return [*shown, ("Sums", f"{compared}, {found}", Tone.BAD if differing else Tone.PLAIN)]


def _positions(reading: Reading) -> list[_Line]:
    shown: list[_Line] = []
    if reading.stream:
        shown.append(("Epoch", reading.stream.epoch or "none yet", Tone.PLAIN))
    if reading.database and (position := reading.database.position):
        other = reading.stream is not None and reading.stream.epoch != position.epoch
        said = f"{position.last_id}, {position.updated_at:%Y-%m-%d %H:%M:%S}"
        shown.append(
            ("Position", said + (f", of epoch {position.epoch}" if other else ""), Tone.PLAIN)
        )
    return shown


def _inbox(length: int) -> str:
    if not length:
        return "empty"
    return f"{length:,}{' or more' if length >= pipeline.INBOX_COUNTED_TO else ''} waiting"


def _numbers(numbers: Mapping[str, int]) -> str:
    most_first = sorted(numbers.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{number:,} {name}" for name, number in most_first) or "none"


def _rate(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}/s"


def seconds(value: float) -> str:
    """Return a span of time in the unit that suits it."""
    if value < 120:
        return f"{value:.1f} s"
    if value < 2 * 3600:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.0f} h" if value < 48 * 3600 else f"{value / 86400:.0f} days"
