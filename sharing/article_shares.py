"""How often an article and each of its sections were shared, as its editor shows it in two places."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from sharing import ages, charts, queries, small_multiples
from sharing.models import ShareTarget
from sharing.queries import Counts
from sharing.shareables import Shareable, State, shareables
from sharing.small_multiples import Course

_STATES = {
    State.LIVE: "",
    State.HIDDEN: "Not published now",
    State.GONE: "Removed from the article",
}
_KEPT = "sharing_article_shares"


@dataclass(frozen=True)
class Line:
    """What the article as a whole, or a section of it, had."""

    target: ShareTarget
    is_section: bool
    counts: Counts
    state: str  # in words; empty while readers can open it
    is_live: bool
    course: Course


@dataclass(frozen=True)
class ArticleShares:
    """The article and its sections in their order, what was removed last; nothing before it was ever published."""

    page_id: int
    rows: Sequence[Line]
    shared: int
    arrivals: int
    as_of: datetime | None
    age: str
    days: int = small_multiples.DAYS

    @property
    def legend(self) -> SafeString:
        """Return what the marks of the pictures mean."""
        # Our own words and marks, by the serializer.
        return mark_safe(charts.legend("Shared", "Arrivals"))  # noqa: S308


def of_article(page_id: int, request: HttpRequest) -> ArticleShares:
    """Return what an article had; asked for twice in one request, it is read once."""
    kept: ArticleShares | None = getattr(request, _KEPT, None)
    if kept is None or kept.page_id != page_id:
        kept = _read(page_id)
        setattr(request, _KEPT, kept)
    return kept


def _read(page_id: int) -> ArticleShares:
    now = timezone.now()
    rows = queries.article_report(page_id)
    found = shareables(row.target for row in rows)
    courses = small_multiples.courses([row.target for row in rows], now.astimezone(UTC).date())
    as_of = queries.counted_until()
    return ArticleShares(
        page_id=page_id,
        rows=[
            Line(
                target=row.target,
                is_section=row.is_section,
                counts=row.counts,
                state=_STATES[found[row.target.pk].state],
                is_live=found[row.target.pk].state is State.LIVE,
                course=courses[row.target.pk],
            )
            for row in sorted(rows, key=lambda row: _place(found[row.target.pk]))
        ],
        shared=sum(row.counts.total for row in rows),
        arrivals=sum(row.counts.classes["arrival"] for row in rows),
        as_of=as_of,
        age=ages.ago(as_of, now) if as_of else "",
    )


def _place(shared: Shareable) -> tuple[bool, bool, int, int]:
    """Return where an editor looks for it: the article, its sections in order, what was removed."""
    is_removed = shared.is_section and not shared.position
    return shared.is_section, is_removed, shared.position, shared.target.pk
