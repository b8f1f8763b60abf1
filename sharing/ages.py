"""How old a number is, in words."""

from datetime import datetime

_SPANS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, in its largest whole unit: “2 seconds ago”.

    A moment that is not over yet, as another machine's clock may have it, is “just now”.
    """
    seconds = int((now - moment).total_seconds())
    for size, unit in _SPANS:
        if seconds >= size:
            number = seconds // size
            return f"{number:,} {unit}{'' if number == 1 else 's'} ago"
    return "just now"


def between(first: datetime, last: datetime, now: datetime) -> str:
    """Return how long ago several moments were: “2 minutes ago”, or “between 2 minutes and 20 hours ago”."""
    oldest, newest = ago(first, now), ago(last, now)
    if oldest == newest:
        return oldest
    return f"between {newest.removesuffix(' ago').removeprefix('just ')} and {oldest}"
