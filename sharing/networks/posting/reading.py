"""Take values out of somebody else's JSON without trusting its shape."""

from datetime import UTC, datetime
from typing import Any

from sharing.networks.text import plain

_LONGEST_SENTENCE = 300


def at(found: Any, *path: str | int) -> Any:
    """Follow keys and positions; None where one of them is not there."""
    for step in path:
        if isinstance(step, str) and isinstance(found, dict):
            found = found.get(step)
        elif isinstance(step, int) and isinstance(found, list) and -len(found) <= step < len(found):
            found = found[step]
        else:
            return None
    return found


def text(found: Any, *path: str | int) -> str:
    """Return a string, or "" for whatever else is there."""
    value = at(found, *path)
    return value if isinstance(value, str) else ""


def count(found: Any, *path: str | int) -> int | None:
    """Return a whole number from 0 on, or None: a count that was not given is not 0."""
    value = at(found, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def strings(found: Any, *path: str | int) -> list[str]:
    """Return the strings of a list."""
    value = at(found, *path)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def moment(found: Any, *path: str | int) -> datetime | None:
    """Return a moment with a time zone."""
    try:
        value = datetime.fromisoformat(text(found, *path))
    except ValueError:
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def said(found: Any, *path: str | int) -> str:
    """Return a server's own words as one short line for an editor."""
    words = plain(text(found, *path))
    return words if len(words) <= _LONGEST_SENTENCE else f"{words[:_LONGEST_SENTENCE]}…"
