"""What sharing adds to the admin."""

from django.urls import URLPattern, path, reverse
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from sharing.reports import SharesReport
from sharing.settings_preview import preview


@hooks.register("register_admin_urls")
def report_urls() -> list[URLPattern]:
    """Mount the report."""
    return [
        path("reports/shares/", SharesReport.as_view(), name="shares_report"),
        path(
            "reports/shares/results/",
            SharesReport.as_view(results_only=True),
            name="shares_report_results",
        ),
    ]


@hooks.register("register_admin_urls")
def settings_urls() -> list[URLPattern]:
    """Mount the preview that the settings of sharing show."""
    return [path("share-settings/preview/", preview, name="share_settings_preview")]


@hooks.register("register_reports_menu_item")
def shares_report_menu_item() -> MenuItem:
    """Put the report with Wagtail's own."""
    return MenuItem("Shares", reverse("shares_report"), icon_name="group", order=100)
