"""What the editor and the settings show of share cards."""

from typing import Any

from wagtail.admin.panels import Panel

from sharing import card_previews, card_queries


class CardsPanel(Panel):
    """The card of the article and of each section, as the draft gives it and as networks see it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("heading", "Share cards")
        super().__init__(**kwargs)

    class BoundPanel(Panel.BoundPanel):
        """The panel for one article."""

        template_name = "sharing/admin/cards_panel.html"

        class Media:
            css: dict[str, list[str]] = {"all": ["sharing/cards_panel.css"]}  # noqa: RUF012 - Django's
            js: list[Any] = [card_previews.SCRIPT]  # noqa: RUF012 - Django's

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            """Add a row for the article and one a section."""
            context: dict[str, Any] = super().get_context_data(parent_context)
            page = self.instance
            return context | {
                "page_id": page.pk,
                "rows": card_previews.previews(page) if page.pk else [],
            }


class CardsProgressPanel(Panel):
    """How far all cards are from the look that was chosen, and a sample of it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("heading", "How they look, and how far they are")
        super().__init__(**kwargs)

    class BoundPanel(Panel.BoundPanel):
        """The panel in the settings."""

        template_name = "sharing/admin/cards_progress.html"

        class Media:
            css: dict[str, list[str]] = {"all": ["sharing/cards_panel.css"]}  # noqa: RUF012 - Django's
            js: list[Any] = [card_previews.SCRIPT]  # noqa: RUF012 - Django's

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            """Add the progress, what failed, and the sample's address."""
            context: dict[str, Any] = super().get_context_data(parent_context)
            return context | {
                "progress": card_queries.progress(),
                "troubled": card_previews.troubles(10),
                "design": card_queries.current_look().design,
            }
