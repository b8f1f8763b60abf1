"""What may be concluded from a network's answers: six ways in which an attempt ends and no more, and what a search tells."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """What a server said is left until a moment; a None is something it did not say."""

    limit: int | None
    left: int | None
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class Published:
    """The network holds the post: it gave an id, and this is its address."""

    id: str
    permalink: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The network does not take this post, and will not next time; `field` is what to change."""

    sentence: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Nothing was posted; it may be tried again from this moment on.

    With `prepare`, what was uploaded is gone or not ready: prepare it again first, with the same stamp.
    """

    at: datetime
    sentence: str
    prepare: bool = False


@dataclass(frozen=True, slots=True)
class CredentialsExpired:
    """Nothing was posted; `renew` the credentials, then try again at once."""

    sentence: str


@dataclass(frozen=True, slots=True)
class CredentialsDead:
    """Nothing was posted; a person must connect the account anew."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The network may hold the post or not: `find` it, and do not send until that is settled."""

    sentence: str


Outcome = Published | Rejected | RetryLater | CredentialsExpired | CredentialsDead | Unknown
Hindrance = Rejected | RetryLater | CredentialsExpired | CredentialsDead


class Stopped(Exception):
    """A call other than `send` could not be done; `outcome` says what may be concluded."""

    def __init__(self, outcome: Hindrance) -> None:
        super().__init__(outcome.sentence)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Receipt:
    """One attempt, for the ledger: what was asked, what came back, and what it means."""

    outcome: Outcome
    asked: str
    came_back: str
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The network holds the post."""

    id: str
    permalink: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The network does not hold the post, and no request for it can still be under way."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """Neither is certain yet; ask again at this moment, or never if there is none."""

    sentence: str
    again_at: datetime | None
