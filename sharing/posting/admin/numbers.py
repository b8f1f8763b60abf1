"""What a network told of a post, in words: the same wherever editors see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sharing import ages
from sharing.posting.after_models import PostNumber
from sharing.posting.queries import in_numbers


@dataclass(frozen=True)
class Numbers:
    """What a network told of a post: “2 reposts, 5 likes”, and which host told it how long ago."""

    words: str
    told: str


def numbers_of(rows: Iterable[PostNumber], now: datetime) -> Numbers | None:
    """Return what was told of one post; None where nothing was."""
    by_name = {row.name: row for row in rows}
    if not by_name:
        return None
    parts = [
        in_numbers(by_name[name].value, name) for name in PostNumber.Name.values if name in by_name
    ]
    oldest = min(by_name.values(), key=lambda row: row.as_of)
    return Numbers(", ".join(parts), f"from {oldest.source}, {ages.ago(oldest.as_of, now)}")
