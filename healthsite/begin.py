"""What editors of a fresh site see on the admin's first page: where to begin."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.middleware.csrf import get_token
from django.urls import reverse
from wagtail.admin.ui.components import Component

from articles import queries as articles
from articles.models import ArticlePage, HomePage
from sharing.posting import account_queries, demo_connecting
from sharing.posting.permissions import may_manage_accounts


class Begin(Component):
    """Ways to the first article and the first account; each goes away once there is one.

    Everybody sees what they may do. The starter article is no article of one's own.
    """

    name = "begin"
    template_name = "healthsite/admin/begin.html"
    # Below what needs a person, above Wagtail's own lists.
    order = 60

    class Media:
        css: ClassVar = {"all": ["healthsite/begin.css"]}

    def get_context_data(self, parent_context: Mapping[str, Any]) -> dict[str, Any]:
        """Return what there is to begin with, with three queries beside those for permissions."""
        request = parent_context["request"]
        home = None if articles.has_own_articles() else articles.home_page()
        if home is not None and not home.permissions_for_user(request.user).can_add_subpage():
            home = None
        connects = may_manage_accounts(request.user) and not account_queries.any_connected()
        return {
            "write": _address_to_write(home) if home else "",
            "connects": connects,
            "demo": demo_connecting.origin() if connects else "",
            # The form of the demo network; a component has no request of its own.
            "csrf_token": get_token(request) if connects else "",
        }


def _address_to_write(home: HomePage) -> str:
    kind = ArticlePage._meta
    return reverse("wagtailadmin_pages:add", args=[kind.app_label, kind.model_name, home.pk])
