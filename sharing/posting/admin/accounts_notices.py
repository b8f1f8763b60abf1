"""What whoever manages accounts is told on the admin's first page."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest
from wagtail.admin.menu import MenuItem
from wagtail.admin.ui.components import Component

from sharing.posting import account_queries, installation
from sharing.posting.permissions import may_manage_accounts


class AccountsMenuItem(MenuItem):
    """Show the accounts to those who manage them."""

    def is_shown(self, request: HttpRequest) -> bool:
        """Tell whether the user may manage accounts."""
        return may_manage_accounts(request.user)


class AccountNotices(Component):
    """Accounts that need a person, and whether posts go out from here; nothing where all is well."""

    name = "social_accounts"
    template_name = "sharing/admin/account_notices.html"
    # Above everything else: what is told here keeps posts from going out.
    order = 50

    class Media:
        css: ClassVar = {"all": ["sharing/accounts.css"]}

    def get_context_data(self, parent_context: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is told, with two queries."""
        return {"standing": installation.standing(), "accounts": account_queries.need_a_person()}

    def render_html(self, parent_context: Mapping[str, Any]) -> str:
        """Return nothing to those who cannot do anything about it."""
        if not may_manage_accounts(parent_context["request"].user):
            return ""
        html: str = super().render_html(parent_context)
        return html
