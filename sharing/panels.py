"""What the article editor shows of sharing."""

from typing import Any

from django.utils import timezone
from wagtail.admin.panels import Panel

from sharing import queries
from sharing.campaign_admin import state_of
from sharing.links import campaign_address
from sharing.shareables import State, shareables


class SharesPanel(Panel):
    """How often the article and each of its sections were shared, its QR codes and campaign links."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("heading", "Shares")
        super().__init__(**kwargs)

    class BoundPanel(Panel.BoundPanel):
        """The panel for one article."""

        template_name = "sharing/admin/shares_panel.html"

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            """Add a row for the article and one a section."""
            context: dict[str, Any] = super().get_context_data(parent_context)
            page = self.instance
            rows = queries.article_report(page.pk) if page.pk else []
            found = shareables(row.target for row in rows)
            context["rows"] = [
                {
                    "target": row.target,
                    "is_section": row.is_section,
                    "counts": row.counts,
                    "is_live": found[row.target.pk].state is State.LIVE,
                }
                for row in rows
            ]
            now = timezone.now()
            context["campaigns"] = [
                {"link": link, "address": campaign_address(link.code), "state": state_of(link, now)}
                for link in (queries.campaign_links_of(page.pk) if page.pk else [])
            ]
            context["as_of"] = queries.counted_until()
            return context
