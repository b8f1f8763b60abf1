"""What accounts add to the admin."""

from typing import Any

from django.contrib.auth.models import Permission
from django.urls import URLPattern, path, reverse
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from sharing.posting import checking, disconnecting, installation
from sharing.posting import connecting as connecting_actions
from sharing.posting.admin import accounts, accounts_site, connecting
from sharing.posting.admin.accounts_notices import AccountNotices, AccountsMenuItem


@hooks.register("register_admin_urls")
def account_urls() -> list[URLPattern]:
    """Mount the pages of accounts."""
    connect = "social-accounts/connect"
    one = "social-accounts/<int:pk>"
    return [
        path("social-accounts/", accounts.SocialAccounts.as_view(), name="social_accounts"),
        path(f"{one}/", accounts.SocialAccountPage.as_view(), name="social_account"),
        path(f"{one}/check/", accounts.CheckAccount.as_view(), name="social_account_check"),
        path(f"{one}/pause/", accounts.PauseAccount.as_view(), name="social_account_pause"),
        path(f"{one}/go-on/", accounts.ResumeAccount.as_view(), name="social_account_resume"),
        path(
            f"{one}/disconnect/",
            accounts.DisconnectAccount.as_view(),
            name="social_account_disconnect",
        ),
        path(f"{connect}/", connecting.ChooseNetwork.as_view(), name="social_account_connect"),
        path(
            f"{connect}/mastodon/",
            connecting.ConnectMastodon.as_view(),
            name="social_account_connect_mastodon",
        ),
        path(
            f"{connect}/mastodon/back/",
            connecting.MastodonConnected.as_view(),
            name="social_account_connected",
        ),
        path(
            f"{connect}/bluesky/",
            connecting.ConnectBluesky.as_view(),
            name="social_account_connect_bluesky",
        ),
        path(
            f"{connect}/telegram/",
            connecting.ConnectTelegram.as_view(),
            name="social_account_connect_telegram",
        ),
        path(
            f"{connect}/demo/",
            connecting.ConnectDemo.as_view(),
            name="social_account_connect_demo",
        ),
        path(
            "social-accounts/this-site/",
            accounts_site.PostingSitePage.as_view(),
            name="posting_site",
        ),
    ]


@hooks.register("register_settings_menu_item")
def accounts_menu_item() -> MenuItem:
    """Put the accounts into the settings."""
    return AccountsMenuItem(
        "Social accounts", reverse("social_accounts"), icon_name="globe", order=830
    )


@hooks.register("construct_homepage_panels")
def account_notices(request: Any, panels: list[Any]) -> None:
    """Tell on the first page of accounts that need a person."""
    panels.append(AccountNotices())


@hooks.register("register_permissions")
def account_permissions() -> Any:
    """Let a role manage accounts."""
    return Permission.objects.filter(
        content_type__app_label="sharing", codename="change_socialaccount"
    )


@hooks.register("register_log_actions")
def account_log_actions(actions: Any) -> None:
    """Name what the log tells of accounts."""
    for action, label, message in (
        (connecting_actions.CONNECT, "Connect social account", "Connected"),
        (connecting_actions.RECONNECT, "Connect social account again", "Connected again"),
        (checking.CHECK, "Check social account", "Checked"),
        (disconnecting.PAUSE, "Pause social account", "Paused"),
        (disconnecting.RESUME, "Let social account go on", "Went on"),
        (disconnecting.DISCONNECT, "Disconnect social account", "Disconnected"),
        (installation.CONFIRM, "Let posts go out from this site", "Confirmed"),
    ):
        actions.register_action(action, label, message)
