"""What the article editor shows of editorial rules."""

from typing import Any, ClassVar

from wagtail.admin.panels import Panel


class ToMendPanel(Panel):
    """What is to mend in the article as it was last saved; empty, it shows nothing."""

    class BoundPanel(Panel.BoundPanel):
        """The panel for one article."""

        template_name = "articles/admin/to_mend_panel.html"

        class Media:
            css: ClassVar = {"all": ["articles/admin.css"]}

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            """Add the article."""
            context: dict[str, Any] = super().get_context_data(parent_context)
            context["page"] = self.instance
            return context
