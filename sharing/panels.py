"""What the article editor shows of sharing."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from wagtail.admin.panels import Panel

from sharing import ages, article_shares, queries
from sharing.campaign_admin import state_of
from sharing.links import campaign_address
from sharing.posting import queries as posts


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
            page, now = self.instance, timezone.now()
            if page.pk:
                context["shares"] = article_shares.of_article(page.pk, self.request)
            context["campaigns"] = [
                {"link": link, "address": campaign_address(link.code), "state": state_of(link, now)}
                for link in (queries.campaign_links_of(page.pk) if page.pk else [])
            ]
            context["posts"] = _posts(page.pk, now) if page.pk else ""
            return context


def _posts(page_id: int, now: datetime) -> str:
    """Return in words what networks told of our posts, with source and age; empty where they told nothing."""
    told = posts.observed(page_id)
    if told is None:
        return ""
    numbers = ", ".join(posts.in_numbers(number, name) for name, number in told.numbers.items())
    sources = ", ".join(told.sources[:3]) + (" and others" if len(told.sources) > 3 else "")
    return f"{numbers} (last told by {sources}, {ages.ago(told.as_of, now)})"
