"""What rose and what fell since the period before."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from sharing.rankings import Ranked
from sharing.reports.filters import WHOLE
from sharing.reports.measures import Measure, percent
from sharing.tallies import Named

MOST_CHANGES = 5


@dataclass(frozen=True)
class Change:
    """One article or section: its number in a period, and in the one before."""

    named: Named
    article: str  # the title of the article that a section is in
    now: int
    before: int

    @property
    def apart(self) -> int:
        """Return how many more there are; negative where there are fewer."""
        return self.now - self.before

    @property
    def words(self) -> str:
        """Return the difference as a sentence has it, in per cent too where that says something."""
        apart = f"{abs(self.apart):,} {'more' if self.apart > 0 else 'fewer'}"
        if not self.before:
            return f"{apart}, none before"
        if not self.now:
            return f"{apart}, none now"
        return f"{apart}{percent(abs(self.apart), self.before)}"

    @property
    def only_query(self) -> str:
        """Return what an address says to see this alone."""
        section = self.named.code if self.named.is_section else WHOLE
        return urlencode({"article": self.named.page_id, "section": section})


@dataclass(frozen=True)
class Changes:
    """The largest rises and falls, and whether there was anything in the period before."""

    measure: Measure
    risers: list[Change]
    fallers: list[Change]
    comparable: bool

    @property
    def lists(self) -> list[tuple[str, str, list[Change]]]:
        """Return a key, a heading and rows of each list; what did not happen is an empty one."""
        return [("risers", "More than before", self.risers), ("fallers", "Fewer than before", self.fallers)]  # fmt: skip


def changes(
    risers: Iterable[Ranked], fallers: Iterable[Ranked], measure: Measure, *, comparable: bool
) -> Changes:
    """Say how targets compare with the period before, those with the largest differences as ranked."""
    return Changes(
        measure,
        [_change(row, measure) for row in risers],
        [_change(row, measure) for row in fallers],
        comparable,
    )


def _change(row: Ranked, measure: Measure) -> Change:
    now, before = (int(measure.number(tally) or 0) for tally in (row.now, row.then))
    return Change(row.named, row.article, now, before)
