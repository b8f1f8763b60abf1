"""The articles and sections of a report: in order, and with what they are now."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest

from sharing.models import ShareTarget
from sharing.rankings import Ranked
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
    block_id: UUID | None
    tally: Tally
    article: str  # the title of the article that a section is in

    @property
    def name(self) -> str:
        """Return what a picture calls it."""
        if self.named.is_section and self.article:
            return f"{self.named.label} · {self.article}"
        return self.named.label


def counted(rows: Iterable[Ranked]) -> list[Counted]:
    """Return ranked targets as a report shows them."""
    return [Counted(row.named, row.block_id, row.now, row.article) for row in rows]


def ordering(measures: Sequence[Measure], asked: str) -> tuple[str, bool]:
    """Return what to order by (“title”, or a measure's key) and whether descending.

    Anything else that is asked for is the first measure, the largest first.
    """
    descending, key = asked.startswith("-"), asked.removeprefix("-")
    if key == "title" or key in {each.key for each in measures}:
        return key, descending
    return measures[0].key, True


def lines(
    rows: Sequence[Counted], measures: Sequence[Measure], request: HttpRequest
) -> Iterator[Row]:
    """Return rows with what they stand for now; two queries for every 500."""
    remaining = iter(rows)
    while some := list(islice(remaining, _AT_A_TIME)):
        found = shareables(map(_target, some), request)
        for row in some:
            if shared := found.get(row.named.target_id):
                yield _line(row, shared, measures)


def _target(row: Counted) -> ShareTarget:
    """Return the row as it was read a moment ago; it is not to be saved."""
    named = row.named
    return ShareTarget(
        pk=named.target_id, page_id=named.page_id, block_id=row.block_id, code=named.code, label=named.label,
    )  # fmt: skip


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
