"""What rose and what fell since the period before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from sharing.reports.filters import WHOLE
from sharing.reports.measures import Measure, percent
from sharing.tallies import Named, Tally

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
    targets: Iterable[Named],
    compared: Mapping[int, tuple[Tally, Tally]],
    measure: Measure,
    most: int = MOST_CHANGES,
) -> Changes:
    """Compare the numbers of targets (by id: now, before), largest differences first.

    Equal ones stand in the order of their titles.
    """
    named = {each.target_id: each for each in targets}
    articles = {each.page_id: each.label for each in named.values() if not each.is_section}
    found = [
        Change(
            each,
            articles.get(each.page_id, "") if each.is_section else "",
            _whole(measure, compared[target_id][0]),
            _whole(measure, compared[target_id][1]),
        )
        for target_id, each in named.items()
        if target_id in compared
    ]
    found.sort(key=lambda each: (-abs(each.apart), each.named.label.casefold(), each.named.code))
    return Changes(
        measure,
        [each for each in found if each.apart > 0][:most],
        [each for each in found if each.apart < 0][:most],
        any(each.before for each in found),
    )


def _whole(measure: Measure, tally: Tally) -> int:
    return int(measure.number(tally) or 0)
