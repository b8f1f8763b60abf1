"""Who comes into the pages of accounts, and what these pages have in common."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from sharing.posting import installation
from sharing.posting.permissions import may_manage_accounts


class AccountsPage(WagtailAdminTemplateMixin, TemplateView):
    """A page for those who manage accounts."""

    header_icon = "globe"
    # Nothing here is anybody else's to keep, a browser's history neither.
    way: tuple[tuple[str, str], ...] = ()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Let in those who may manage accounts."""
        if not may_manage_accounts(request.user):
            raise PermissionDenied
        answer = super().dispatch(request, *args, **kwargs)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here, by the list of accounts."""
        steps = [("social_accounts", "Social accounts"), *self.way]
        return [
            *self.breadcrumbs_items,
            *({"url": reverse(name), "label": label} for name, label in steps),
            {"url": "", "label": self.get_page_subtitle() or self.get_page_title()},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add whether posts go out from here at all."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"standing": installation.standing()}
