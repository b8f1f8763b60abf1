"""An article's editor: Wagtail's, with what the site knows of the article beside the text."""

from typing import Any

from wagtail.admin.ui.components import MediaContainer
from wagtail.admin.views.pages.edit import EditView
from wagtail.admin.viewsets.pages import PageViewSet

from articles.models import ArticlePage
from sharing.side_panels import SharesSidePanel


class ArticleEditor(EditView):
    """Show shares in a side panel of their own."""

    def get_side_panels(self) -> Any:
        """Return Wagtail's side panels and ours; an automatic save asks for none of ours."""
        panels = list(super().get_side_panels())
        if not (self.expects_json_response or self.hydrate_create_view):
            panels.append(SharesSidePanel(self.page, self.request))
        return MediaContainer(panels)


class ArticleViews(PageViewSet):
    """The views of articles in the admin."""

    model = ArticlePage
    edit_view_class = ArticleEditor
