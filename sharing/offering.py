"""Which networks are offered to readers, in which order and under which names. Plain Python.

The registry says what there is; an editor's choices say what is shown of it. The two may differ at any
time: a later version brings a network that no choice names yet, an earlier one lacks what a choice names.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from sharing.networks import NETWORKS

LONGEST_LABEL = 40
LONGEST_SLUG = 40
# Far above any registry; a list longer than this was made by no form of ours.
MOST_CHOICES = 200
# So many are visible before "More", unless an editor chose otherwise, and never more than seven.
COMPACT, GENEROUS, MOST_VISIBLE = 4, 7, 7

# Zero-width (non-)joiners are part of words in Persian and Hindi, and of emoji.
_JOINERS = "\u200c\u200d"


class InvalidLabel(ValueError):
    """Refuse a label; the message is a sentence to show."""


class InvalidChoices(ValueError):
    """Refuse a stored list as a whole; the message says what is wrong with it."""


@dataclass(frozen=True)
class Choice:
    """What an editor chose for one network; an empty label means the network's own name."""

    slug: str
    shown: bool = True
    label: str = ""


@dataclass(frozen=True)
class Offered:
    """A network as readers meet it: `name` is what its link says."""

    slug: str
    name: str


@dataclass(frozen=True)
class Offer:
    """The networks readers are offered, in order, and how many a bar shows before “More”."""

    networks: tuple[Offered, ...]
    compact: int = COMPACT
    generous: int = GENEROUS

    def __contains__(self, slug: object) -> bool:
        """Tell whether the network with this slug is offered."""
        return any(each.slug == slug for each in self.networks)


def make_offer(
    choices: Iterable[Choice], *, compact: int = COMPACT, generous: int = GENEROUS
) -> Offer:
    """Return what readers are offered.

    A label that another network's name has taken since it was stored is not used.
    """
    arranged = arrange(choices)
    refused = label_refusals(arranged)
    return Offer(
        tuple(
            Offered(each.slug, (each.label if each.slug not in refused else "") or own_name(each))
            for each in arranged
            if each.shown
        ),
        compact,
        generous,
    )


def arrange(choices: Iterable[Choice]) -> tuple[Choice, ...]:
    """Return one choice for each network of the registry, in the order chosen.

    A network that no choice names is shown, right after its neighbour of the default order. Choices of
    networks that are not there are left out.
    """
    registry = [each.slug for each in NETWORKS]
    known = set(registry)
    arranged = [each for each in choices if each.slug in known]
    for place, slug in enumerate(registry):
        slugs = [each.slug for each in arranged]
        if slug not in slugs:
            before = registry[place - 1] if place else None
            arranged.insert(slugs.index(before) + 1 if before else 0, Choice(slug))
    return tuple(arranged)


def label_refusals(choices: Iterable[Choice]) -> dict[str, str]:
    """Return a sentence for each label that readers could take for another network, by slug."""
    own = {_alike(each.name): each.slug for each in NETWORKS}
    refusals, taken = {}, dict[str, str]()
    for each in choices:
        if not each.label:
            continue
        label = _alike(each.label)
        if own.get(label, each.slug) != each.slug:
            refusals[each.slug] = f"“{each.label}” is the name of another network."
        elif each.shown and label in taken:
            refusals[each.slug] = f"“{each.label}” is the label of {taken[label]} already."
        elif each.shown:
            taken[label] = own_name(each)
    return refusals


def clean_label(text: str) -> str:
    """Return a label with its spaces tidied; raises InvalidLabel."""
    label = " ".join(text.split())
    if len(label) > LONGEST_LABEL:
        raise InvalidLabel(
            f"The label has {len(label)} characters; at most {LONGEST_LABEL} are shown."
        )
    # C: controls, bidi and zero-width characters, surrogates, unassigned.
    if any(unicodedata.category(each)[0] == "C" and each not in _JOINERS for each in label):
        raise InvalidLabel(
            "The label has an invisible or direction-changing character in it. Type it anew."
        )
    if label and not any(each.isalnum() for each in label):
        raise InvalidLabel("A label needs words: pictures alone are not read aloud well.")
    return label


def read_choices(stored: object) -> tuple[Choice, ...]:
    """Return the choices in a stored list of {slug, shown, label}; raises InvalidChoices."""
    if not isinstance(stored, list):
        raise InvalidChoices("The networks are not a list.")
    if len(stored) > MOST_CHOICES:
        raise InvalidChoices(f"There are {len(stored)} networks; at most {MOST_CHOICES} are read.")
    choices = tuple(_read_choice(each) for each in stored)
    if len({each.slug for each in choices}) < len(choices):
        raise InvalidChoices("A network is there twice.")
    return choices


def write_choices(choices: Iterable[Choice]) -> list[dict[str, str | bool]]:
    """Return choices as `read_choices` reads them."""
    return [{"slug": each.slug, "shown": each.shown, "label": each.label} for each in choices]


def own_name(choice: Choice) -> str:
    """Return the network's own name, whatever it is labelled; of an unknown one its slug."""
    return next((each.name for each in NETWORKS if each.slug == choice.slug), choice.slug)


def _read_choice(stored: object) -> Choice:
    match stored:
        case {"slug": str(slug), "shown": bool(shown), "label": str(label), **rest} if not rest:
            pass
        case _:
            raise InvalidChoices("A network is not exactly a slug, shown and a label.")
    if not 0 < len(slug) <= LONGEST_SLUG:
        raise InvalidChoices("A network’s slug is empty or too long.")
    try:
        if clean_label(label) != label:
            raise InvalidChoices(f"The label of {slug} has spaces to spare.")
    except InvalidLabel as error:
        raise InvalidChoices(f"{slug}: {error}") from error
    return Choice(slug, shown, label)


def _alike(name: str) -> str:
    """Return what is the same for names that look the same at a glance."""
    return unicodedata.normalize("NFKC", name).casefold()
