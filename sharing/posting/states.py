"""The states of a delivery, and every way from one to another.

`docs/posting.md` draws this table; a test keeps both equal.
"""

from dataclasses import dataclass

from django.db import models


class DeliveryState(models.TextChoices):
    """Where a delivery is.

    *due* is no state of its own: an approved delivery whose time has come is due, also while every
    worker is dead.
    """

    DRAFT = "draft", "Draft"
    APPROVED = "approved", "Scheduled"
    PREPARING = "preparing", "Being prepared"
    ARMED = "armed", "Being sent"
    PUBLISHED = "published", "Published"
    UNKNOWN = "unknown", "Unknown"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    WITHDRAWN = "withdrawn", "Withdrawn"


@dataclass(frozen=True)
class Transition:
    """One way from a state to another, and when it is taken."""

    before: DeliveryState
    after: DeliveryState
    when: str


_S = DeliveryState
TRANSITIONS = (
    Transition(_S.DRAFT, _S.APPROVED, "a publisher approves"),
    Transition(_S.DRAFT, _S.CANCELLED, "an editor cancels, or the page or account is gone"),
    Transition(_S.APPROVED, _S.DRAFT, "the approval is withdrawn"),
    Transition(_S.APPROVED, _S.PREPARING, "due, and a worker claims it"),
    Transition(_S.APPROVED, _S.CANCELLED, "an editor cancels, or the page or account is gone"),
    Transition(
        _S.PREPARING, _S.APPROVED, "not sent: later, or the worker died before it was armed"
    ),
    Transition(_S.PREPARING, _S.ARMED, "key and lease committed, then the one request"),
    Transition(
        _S.PREPARING,
        _S.FAILED,
        "the network would refuse it, given up after many tries, or worker after worker died over it",
    ),
    Transition(_S.PREPARING, _S.CANCELLED, "the page or account is gone"),
    Transition(_S.ARMED, _S.PUBLISHED, "the network told its id and permalink"),
    Transition(_S.ARMED, _S.APPROVED, "certainly not posted: later"),
    Transition(_S.ARMED, _S.FAILED, "certainly not posted: refused, or given up after many tries"),
    Transition(_S.ARMED, _S.UNKNOWN, "no usable answer, or the worker died"),
    Transition(_S.UNKNOWN, _S.PUBLISHED, "found on the network, or a person says it is there"),
    Transition(_S.UNKNOWN, _S.APPROVED, "certainly not there, or a person says send again"),
    Transition(_S.UNKNOWN, _S.FAILED, "certainly not there, and given up after many tries"),
    Transition(_S.UNKNOWN, _S.CANCELLED, "a person gives it up"),
    Transition(_S.FAILED, _S.APPROVED, "a person tries again"),
    Transition(_S.FAILED, _S.CANCELLED, "a person gives it up"),
    Transition(_S.PUBLISHED, _S.WITHDRAWN, "deleted on the network"),
)

# Nothing more happens to these by itself.
FINISHED = (_S.PUBLISHED, _S.FAILED, _S.CANCELLED, _S.WITHDRAWN)
# A worker holds these for as long as its lease lasts.
HELD = (_S.PREPARING, _S.ARMED)


def may_follow(before: DeliveryState, after: DeliveryState) -> bool:
    """Tell whether there is a way from one state to another."""
    return any(each.before is before and each.after is after for each in TRANSITIONS)


def drawing() -> str:
    """Return the states as a Mermaid diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {_S.DRAFT.value}", f"    [*] --> {_S.APPROVED.value}"]
    lines += [
        f"    {each.before.value} --> {each.after.value}: {each.when}" for each in TRANSITIONS
    ]
    return "\n".join(lines)
