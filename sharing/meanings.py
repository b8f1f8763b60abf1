"""What readers are told of each class of numbers: what it is, and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass

from sharing.models import ShareClass


@dataclass(frozen=True)
class Meaning:
    """One class as readers see it."""

    name: str
    number: int
    words: str
    source: str


# `share.js` has the words too, for the pages that are kept without numbers; a test compares them.
_WORDS = {
    ShareClass.INTENT: (
        "Intents",
        "A network was chosen here. Whether it was posted there, we cannot see.",
        "Counted by our link to the network.",
    ),
    ShareClass.HANDED_OVER: (
        "Handed over",
        "The link was copied, or given to the device’s share sheet.",
        "Told by the page that was read.",
    ),
    ShareClass.ARRIVAL: (
        "Arrivals",
        "A shared link was opened: at least so often, as some apps strip links. No part of “shared”.",
        "Counted by our short links.",
    ),
    ShareClass.OBSERVED: (
        "Observed",
        "A network told us so of our own posts. No part of “shared”.",
        "Told by the network when last asked.",
    ),
    ShareClass.MENTION: (
        "Mentions",
        "Another site named this page. No part of “shared”.",
        "Read on that page.",
    ),
}
# Counted on every site; the others are told once there is something of them.
_ALWAYS = (ShareClass.INTENT, ShareClass.HANDED_OVER, ShareClass.ARRIVAL)


def meanings(classes: Mapping[str, int] | None, *, asked: str = "") -> list[Meaning]:
    """Return what readers are told of the numbers by class; without numbers (None) nothing.

    `asked` is how long ago the networks were asked: what they told is older than what is counted here.
    """
    if classes is None:
        return []
    ages = {ShareClass.OBSERVED: f" That was {asked}."} if asked else {}
    return [
        Meaning(name, classes[each], words, f"{source}{ages.get(each, '')}")
        for each, (name, words, source) in _WORDS.items()
        if each in _ALWAYS or classes[each]
    ]
