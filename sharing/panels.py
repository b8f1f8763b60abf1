"""What the article editor shows of sharing."""

from typing import Any

from wagtail.admin.panels import Panel

from sharing import queries


class SharesPanel(Panel):
    """How often the article and each of its sections were shared."""

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
            context["rows"] = queries.article_report(page.pk) if page.pk else []
            context["as_of"] = queries.counted_until()
            return context
