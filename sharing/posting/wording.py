"""Making one account's post out of what an editor wrote, and holding it against what its server takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sharing.networks.posting import contract
from sharing.networks.posting.contract import CardFrom, Connector, Limits, Problem, Visibility
from sharing.networks.posting.lengths import Length, measure
from sharing.networks.text import is_blank
from sharing.posting.models import LONGEST_TEXT
from sharing.posting.subjects import Subject
from sharing.posting.templates import UnknownVariable, fill, fill_known


@dataclass(frozen=True, slots=True)
class Worded:
    """A post's text as one account would send it: how long it is there, and what is wrong with it."""

    text: str
    length: Length
    limits: Limits
    problems: Sequence[Problem]
    # False where it was not read at all: empty, far too long, or with a variable that there is not.
    is_read: bool = True

    @property
    def blocking(self) -> list[str]:
        """Return the sentences that keep it from being sent."""
        return [each.sentence for each in self.problems if each.blocking]

    @property
    def warnings(self) -> list[str]:
        """Return the other sentences."""
        return [each.sentence for each in self.problems if not each.blocking]


def word(
    connector: Connector,
    limits: Limits,
    *,
    written: str,
    subject: Subject,
    link: str,
    language: str = "",
    visibility: str = "",
    warning: str = "",
) -> Worded:
    """Replace the variables of a text and check what becomes of it; asks nobody, raises nothing."""
    warning = warning if connector.abilities.warnings else ""
    if len(written) > LONGEST_TEXT:
        return _unread(written, limits, f"Too long: at most {LONGEST_TEXT:,} characters are kept.")
    if is_blank(written):
        return _unread("", limits, "Write something first.")
    try:
        text = fill(written, subject.words, link=link, rule=limits.text, warning=warning)
    except UnknownVariable as error:
        return _unread(fill_known(written, subject.words, link=link), limits, str(error))
    brings_card = connector.abilities.card is CardFrom.POST
    post = contract.Post(
        text,
        link,
        language,
        Visibility(options_for(connector, visibility, warning).get("visibility", "public")),
        warning,
        card=contract.Card(subject.url, subject.title, subject.description)
        if brings_card
        else None,
    )
    problems = connector.check(post, limits)
    return Worded(text, measure(text, limits.text, warning=warning), limits, problems)


def options_for(connector: Connector, visibility: str, warning: str) -> Mapping[str, Any]:
    """Return a delivery's options: of those asked for, the ones that its network knows."""
    known = {str(each) for each in connector.abilities.visibilities}
    options = {}
    if len(known) > 1 and visibility in known:
        options["visibility"] = visibility
    if connector.abilities.warnings and warning:
        options["warning"] = warning
    return options


def _unread(text: str, limits: Limits, sentence: str) -> Worded:
    # What is far too long is not counted: that would take longer than anybody waits.
    length = (
        measure(text, limits.text) if len(text) <= LONGEST_TEXT else Length(len(text), len(text))
    )
    return Worded(text, length, limits, [Problem("text", sentence)], is_read=False)
