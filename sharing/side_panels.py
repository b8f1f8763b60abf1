"""What stands beside the text while an article is written."""

from typing import Any

from wagtail.admin.ui.side_panels import BaseSidePanel

from sharing import article_shares


class SharesSidePanel(BaseSidePanel):
    """A small picture of each section, all on one scale: which travels, and which brings readers back."""

    class SidePanelToggle(BaseSidePanel.SidePanelToggle):
        """The button that opens it."""

        aria_label = "Toggle shares"
        icon_name = "group"
        has_counter = False

    name = "shares"
    title = "Shares"
    template_name = "sharing/admin/shares_side_panel.html"
    order = 500

    class Media:
        css: dict[str, list[str]] = {"all": ["sharing/share-report.css"]}  # noqa: RUF012 - Django's

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        """Add what the article and its sections had."""
        context: dict[str, Any] = super().get_context_data(parent_context)
        context["shares"] = article_shares.of_article(self.object.pk, self.request)
        return context
