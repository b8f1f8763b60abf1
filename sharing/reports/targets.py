"""The articles and sections of a report: in order, and with what they are now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

from django.http import HttpRequest

from sharing.models import ShareTarget
from sharing.reports.measures import Measure
from sharing.reports.tables import Row, numbers
from sharing.shareables import Shareable, State, edit_url, shareables
from sharing.tallies import Named, Tally

FACTS = ("What", "State", "In the article", "Share code")

_STATES = {State.LIVE: "published", State.HIDDEN: "not published", State.GONE: "deleted"}
# What a file is made of at a time, so that its memory does not grow with the site.
_AT_A_TIME = 500


@dataclass(frozen=True)
class Counted:
    """An article or section and its numbers."""

    named: Named
    tally: Tally
    article: str  # the title of the article that a section is in

    @property
    def name(self) -> str:
        """Return what a picture calls it."""
        if self.named.is_section and self.article:
            return f"{self.named.label} · {self.article}"
        return self.named.label


def counted(targets: Sequence[Named], tallies: Mapping[int, Tally]) -> list[Counted]:
    """Return the targets that have numbers, by title."""
    articles = {each.page_id: each.label for each in targets if not each.is_section}
    return [
        Counted(each, tallies[each.target_id], articles.get(each.page_id, ""))
        for each in sorted(targets, key=lambda each: (each.label.casefold(), each.target_id))
        if each.target_id in tallies
    ]


def ordered(
    rows: list[Counted], measures: Sequence[Measure], asked: str
) -> tuple[list[Counted], str]:
    """Return rows as asked for (“title”, or a measure's key, “-” for descending), and by what they are.

    Equal ones stay in the order of their titles, so that pages do not overlap.
    """
    descending, key = asked.startswith("-"), asked.removeprefix("-")
    if key == "title":
        return (rows[::-1] if descending else rows), asked
    by_key = {each.key: each for each in measures}
    if key not in by_key:
        descending, key = True, measures[0].key
    measure = by_key[key]

    def place(row: Counted) -> float | int:
        number = measure.number(row.tally)
        # What cannot be told comes last when the largest come first.
        return -1 if number is None else number

    return sorted(rows, key=place, reverse=descending), f"{'-' if descending else ''}{key}"


def lines(
    rows: Sequence[Counted], measures: Sequence[Measure], request: HttpRequest
) -> Iterator[Row]:
    """Return rows with what they stand for now; three queries for every 500."""
    remaining = iter(rows)
    while some := list(islice(remaining, _AT_A_TIME)):
        targets = ShareTarget.objects.in_bulk([row.named.target_id for row in some])
        found = shareables(targets.values(), request)
        for row in some:
            if shared := found.get(row.named.target_id):
                yield _line(row, shared, measures)


def _line(row: Counted, shared: Shareable, measures: Sequence[Measure]) -> Row:
    kind = "Section" if shared.is_section else "Article"
    state = _STATES[shared.state]
    article = (shared.article_title or row.article) if shared.is_section else ""
    detail = kind if shared.state is State.LIVE else f"{kind}, {state}"
    only = {"article": row.named.page_id}
    section = row.named.code if shared.is_section else "whole"
    return Row(
        title=shared.title,
        detail=f"{detail} · {article}" if article else detail,
        # A deleted article has no editor; the editor of a section's article is left to undo a removal.
        edit_url=""
        if shared.state is State.GONE and not shared.article_url
        else edit_url(shared.target),
        only_query=urlencode(only | {"section": section}),
        facts=(kind, state, article, row.named.code),
        numbers=numbers(measures, row.tally),
    )
