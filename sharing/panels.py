"""What the article editor shows of sharing."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.safestring import mark_safe
from wagtail.admin.panels import Panel

from sharing import ages, charts, queries, small_multiples
from sharing.campaign_admin import state_of
from sharing.links import campaign_address
from sharing.posting import queries as posts
from sharing.shareables import Shareable, State, shareables

_STATES = {
    State.LIVE: "",
    State.HIDDEN: "Not published now",
    State.GONE: "Removed from the article",
}


class SharesPanel(Panel):
    """How often the article and each of its sections were shared, its QR codes and campaign links."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("heading", "Shares")
        super().__init__(**kwargs)

    class BoundPanel(Panel.BoundPanel):
        """The panel for one article."""

        template_name = "sharing/admin/shares_panel.html"

        class Media:
            css: dict[str, list[str]] = {"all": ["sharing/share-report.css"]}  # noqa: RUF012 - Django's

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            """Add a row for the article and one a section, in the order of the article."""
            context: dict[str, Any] = super().get_context_data(parent_context)
            page = self.instance
            rows = queries.article_report(page.pk) if page.pk else []
            found = shareables(row.target for row in rows)
            now = timezone.now()
            courses = small_multiples.courses(
                [row.target for row in rows], now.astimezone(UTC).date()
            )
            context["rows"] = [
                {
                    "target": row.target,
                    "is_section": row.is_section,
                    "counts": row.counts,
                    "state": _STATES[found[row.target.pk].state],
                    "is_live": found[row.target.pk].state is State.LIVE,
                    "course": courses[row.target.pk],
                }
                for row in sorted(rows, key=lambda row: _place(found[row.target.pk]))
            ]
            context["shared"] = sum(row.counts.total for row in rows)
            context["arrivals"] = sum(row.counts.classes["arrival"] for row in rows)
            context["days"] = small_multiples.DAYS
            # Our own words and marks, by the serializer.
            context["legend"] = mark_safe(charts.legend("Shared", "Arrivals"))  # noqa: S308
            context["campaigns"] = [
                {"link": link, "address": campaign_address(link.code), "state": state_of(link, now)}
                for link in (queries.campaign_links_of(page.pk) if page.pk else [])
            ]
            context["posts"] = _posts(page.pk, now) if page.pk else ""
            as_of = queries.counted_until()
            context["as_of"] = as_of
            context["age"] = ages.ago(as_of, now) if as_of else ""
            return context


def _posts(page_id: int, now: datetime) -> str:
    """Return in words what networks told of our posts, with source and age; empty where they told nothing."""
    told = posts.observed(page_id)
    if told is None:
        return ""
    numbers = ", ".join(posts.in_numbers(number, name) for name, number in told.numbers.items())
    sources = ", ".join(told.sources[:3]) + (" and others" if len(told.sources) > 3 else "")
    return f"{numbers} (last told by {sources}, {ages.ago(told.as_of, now)})"


def _place(shared: Shareable) -> tuple[bool, bool, int, int]:
    """Return where an editor looks for it: the article, its sections in order, what was removed."""
    is_removed = shared.is_section and not shared.position
    return shared.is_section, is_removed, shared.position, shared.target.pk
