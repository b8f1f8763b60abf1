"""What a network said, reduced to what may be concluded from it. Nothing here knows a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Budget:
    """How many posts the network takes from an account until a moment."""

    left: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one step; `words` are for the editor, in plain sentences without secrets."""

    words: str = ""
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Prepared(Outcome):
    """Everything that the one request needs is there and fixed. `values` are JSON and hold no secret."""

    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published(Outcome):
    """The network has the post, under this id and at this address."""

    remote_id: str = ""
    permalink: str = ""


@dataclass(frozen=True, slots=True)
class Refused(Outcome):
    """The network certainly has no post, and takes none like this."""


@dataclass(frozen=True, slots=True)
class Later(Outcome):
    """The network certainly has no post, and may take it later.

    `until` is when, where it said so. `everybody` is whether the whole account must wait.
    """

    until: datetime | None = None
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Deferred(Outcome):
    """The network was not asked at all, because the account's allowance is used up `until` then."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccessLost(Outcome):
    """The network certainly has no post, and takes none until the account is connected again."""


@dataclass(frozen=True, slots=True)
class Doubtful(Outcome):
    """The request was sent, and nothing tells what became of it."""


@dataclass(frozen=True, slots=True)
class Absent(Outcome):
    """The network was asked and certainly has no such post."""


@dataclass(frozen=True, slots=True)
class CannotTell(Outcome):
    """The network was asked, or cannot be, and neither is certain.

    `until` is when to ask again; without it nobody does so by itself, and a person decides.
    """

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done(Outcome):
    """The network did what was asked with a post that it has."""
