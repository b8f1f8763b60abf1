"""The site's accounts on networks: how each does, what waits for it, and what can be done with it."""

from abc import ABC, abstractmethod
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from wagtail.admin import messages
from wagtail.log_actions import registry as log_registry

from sharing.posting import account_queries, checking, demo_connecting, disconnecting, reaching
from sharing.posting.account_queries import AccountView
from sharing.posting.admin.accounts_access import AccountsPage
from sharing.posting.models import SocialAccount

_LINES_OF_LOG = 20
_S = SocialAccount.State


class SocialAccounts(AccountsPage):
    """Every account, those that need a person first."""

    page_title = "Social accounts"
    template_name = "sharing/admin/social_accounts.html"

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here."""
        return [*self.breadcrumbs_items, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the accounts, with one query."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        views = account_queries.accounts()
        return context | {
            "accounts": [view for view in views if view.tone != "over"],
            "gone": [view for view in views if view.tone == "over"],
            "demo": settings.DEMO_NETWORK_HOST,
            "demo_address": demo_connecting.origin(),
        }


class _OneAccount(AccountsPage):
    """A page of one account."""

    @cached_property
    def view(self) -> AccountView:
        """Return the account; 404 where there is none."""
        found = account_queries.account(self.kwargs["pk"])
        if found is None:
            raise Http404("No such account")
        return found

    @property
    def account(self) -> SocialAccount:
        """Return its row."""
        return self.view.account

    def get_page_subtitle(self) -> str:
        """Return its handle."""
        return self.account.handle

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the account."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "view": self.view,
            "account": self.account,
            "is_over": self.account.state == _S.DISCONNECTED,
            "demo": settings.DEMO_NETWORK_HOST,
            "demo_address": demo_connecting.origin(),
        }


class SocialAccountPage(_OneAccount):
    """One account: its state, what it may do, what waits, what was done with it."""

    page_title = "Social account"
    template_name = "sharing/admin/social_account.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the end of its log."""
        entries = log_registry.get_logs_for_instance(self.account).select_related("user")
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "log": [
                (
                    entry.timestamp,
                    log_registry.get_action_label(entry.action),
                    entry.user_display_name,
                    str(entry.data.get("problem") or entry.data.get("remark") or ""),
                )
                for entry in entries.order_by("-timestamp", "-pk")[:_LINES_OF_LOG]
            ],
            "is_paused": self.account.state == _S.PAUSED,
            "may_be_paused": self.account.state == _S.ACTIVE,
        }


class _Button(_OneAccount, ABC):
    """Something that is done with an account by a button: only a POST does it."""

    http_method_names = ["post"]  # noqa: RUF012 - as Django declares it

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do it, say what came of it, and return to the account."""
        if self.account.state == _S.DISCONNECTED:
            messages.warning(request, f"{self.account.handle} is disconnected. Connect it again.")
        else:
            self.act(request)
        return redirect("social_account", pk=self.account.pk)

    @abstractmethod
    def act(self, request: HttpRequest) -> None:
        """Do it."""


class CheckAccount(_Button):
    """Ask the network whether the account works."""

    def act(self, request: HttpRequest) -> None:
        """Ask, and say what it said."""
        account = self.account
        found = checking.check(account=account, by=request.user, outbound=reaching.outbound())
        if not found.was_asked:
            messages.warning(
                request,
                "Nothing was asked: this is not the site that posts, and looking may renew the access, which would "
                "then be over for the one that does. If it is this one, say so first.",
            )
        elif not found.problem:
            messages.success(
                request, f"{self.view.network} answered: {account.handle} is connected and works."
            )
        elif found.is_lost:
            messages.error(request, f"{found.problem} Choose “Connect again”.")
        else:
            messages.warning(request, f"{found.problem} Nothing was changed; try again later.")


class PauseAccount(_Button):
    """Let the account's posts wait."""

    def act(self, request: HttpRequest) -> None:
        """Pause it."""
        if disconnecting.pause(account=self.account, by=request.user):
            messages.success(
                request, f"{self.account.handle} is paused. Its posts wait until you let it go on."
            )


class ResumeAccount(_Button):
    """Let the account's posts go out again."""

    def act(self, request: HttpRequest) -> None:
        """Let it go on."""
        if disconnecting.resume(account=self.account, by=request.user):
            messages.success(
                request, f"{self.account.handle} goes on. What is due goes out in a few seconds."
            )


class DisconnectAccount(_OneAccount):
    """Ask first, then take the access back, erase the secrets and cancel what waits."""

    page_title = "Disconnect"
    template_name = "sharing/admin/social_account_disconnect.html"

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here, by the account."""
        *way, account = super().get_breadcrumbs_items()
        account = account | {"url": reverse("social_account", args=[self.account.pk])}
        return [*way, account, {"url": "", "label": f"Disconnect {self.account.handle}"}]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say what would happen."""
        if self.account.state == _S.DISCONNECTED:
            return redirect("social_account", pk=self.account.pk)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do it, and say what came of it."""
        account = self.account
        if account.state != _S.DISCONNECTED:
            done = disconnecting.disconnect(
                account=account, by=request.user, outbound=reaching.outbound()
            )
            messages.success(request, _words(account, done.cancelled))
            if done.remark == disconnecting.NOT_REVOKED:
                messages.warning(request, f"{done.remark} The other site goes on with it.")
            elif done.remark:
                messages.warning(
                    request,
                    f"The network could not be told ({done.remark}) Take the access away in the settings of "
                    f"{account.handle} there.",
                )
        return redirect("social_accounts")


def _words(account: SocialAccount, cancelled: int) -> str:
    posts = {0: "No post waited for it.", 1: "One waiting post was cancelled."}.get(
        cancelled, f"{cancelled} waiting posts were cancelled."
    )
    return f"{account.handle} is disconnected, and its secrets are erased. {posts}"
