"""What sharing adds to the admin."""

from typing import Any

from django.urls import URLPattern, path, reverse
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.viewsets.base import ViewSet
from wagtail.permissions import register_permission_policy

from sharing import burst_admin, card_views
from sharing.campaign_admin import END, REOPEN, campaign_links
from sharing.campaign_permissions import CampaignLinkPolicy
from sharing.campaign_target_chooser import target_chooser
from sharing.models import CampaignLink
from sharing.posting.admin import (  # noqa: F401 - register themselves
    accounts_hooks,
    composer_hooks,
    posts_hooks,
)
from sharing.reports import SharesReport
from sharing.settings_preview import preview

# Before anything asks: Wagtail else makes a policy of its own.
register_permission_policy(CampaignLink, CampaignLinkPolicy(CampaignLink))


@hooks.register("register_admin_viewset")
def campaign_viewsets() -> list[ViewSet]:
    """Mount campaign links, and the dialogue that chooses what one leads to."""
    return [campaign_links, target_chooser]


@hooks.register("register_log_actions")
def campaign_log_actions(actions: Any) -> None:
    """Name what the log tells of campaign links beside being made and changed."""
    actions.register_action(END, "End campaign link", "Ended")
    actions.register_action(REOPEN, "Reopen campaign link", "Reopened")


@hooks.register("register_admin_urls")
def report_urls() -> list[URLPattern]:
    """Mount the report."""
    return [path("reports/shares/", SharesReport.as_view(), name="shares_report")]


@hooks.register("register_admin_urls")
def held_back_urls() -> list[URLPattern]:
    """Mount the floods of shares that are held back."""
    return [
        path(
            "reports/held-back-shares/",
            burst_admin.HeldBackShares.as_view(),
            name="held_back_shares",
        ),
        path("reports/held-back-shares/decide/", burst_admin.decide, name="held_back_decide"),
    ]


@hooks.register("register_reports_menu_item")
def held_back_menu_item() -> MenuItem:
    """Put them below the report."""
    return MenuItem("Held-back shares", reverse("held_back_shares"), icon_name="warning", order=105)


@hooks.register("construct_homepage_summary_items")
def held_back_summary(request: Any, items: list[Any]) -> None:
    """Tell of floods that wait on the admin's first page."""
    items.append(burst_admin.HeldBackSummary(request))


@hooks.register("register_log_actions")
def held_back_log_actions(actions: Any) -> None:
    """Name what the log tells of decisions about floods."""
    actions.register_action("sharing.flood.accept", "Count flood of shares", "Counted")
    actions.register_action("sharing.flood.drop", "Drop flood of shares", "Dropped")
    actions.register_action("sharing.flood.reopen", "Hold flood of shares back", "Held back again")


@hooks.register("register_admin_urls")
def settings_urls() -> list[URLPattern]:
    """Mount the preview that the settings of sharing show."""
    return [path("share-settings/preview/", preview, name="share_settings_preview")]


@hooks.register("register_admin_urls")
def card_urls() -> list[URLPattern]:
    """Mount the pictures of share cards."""
    return [
        path("share-cards/sample.png", card_views.sample, name="share_card_sample"),
        path("share-cards/<int:page_id>/", card_views.previews, name="share_card_previews"),
        path(
            "share-cards/<int:page_id>/<str:key>.png",
            card_views.preview,
            name="share_card_preview",
        ),
    ]


@hooks.register("register_reports_menu_item")
def shares_report_menu_item() -> MenuItem:
    """Put the report with Wagtail's own."""
    return MenuItem("Shares", reverse("shares_report"), icon_name="group", order=100)
