"""What an administrator is told, and asked, where a copy of the site must not post by itself."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from wagtail.admin import messages

from sharing.posting import installation
from sharing.posting.admin.accounts_access import AccountsPage


class PostingSitePage(AccountsPage):
    """Say why posts wait, and let a person say that this is the site that posts."""

    page_title = "Where posts go out from"
    template_name = "sharing/admin/posting_site.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add how many posts a person has to look at."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        standing: installation.Standing = context["standing"]
        return context | {"overdue": 0 if standing.is_ours else installation.overdue(standing)}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Let posts go out from here."""
        if installation.standing().is_ours:
            messages.info(request, "Posts go out from this site already; nothing was changed.")
            return redirect("social_accounts")
        try:
            held = installation.confirm(by=request.user)
        except installation.NoId as reason:
            messages.error(request, f"{reason} Posts still wait.")
            return redirect("posting_site")
        if held:
            words = (
                f"Posts go out from this site now. {held} whose time had come are drafts again: look on the "
                "network whether they are there, then approve them."
            )
        else:
            words = "Posts go out from this site now. No post was due meanwhile."
        messages.success(request, words)
        return redirect("social_accounts")
