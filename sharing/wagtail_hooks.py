"""What sharing adds to the admin."""

from django.urls import URLPattern, path, reverse
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from sharing.reports import SharesReport


@hooks.register("register_admin_urls")
def report_urls() -> list[URLPattern]:
    """Mount the report."""
    return [path("reports/shares/", SharesReport.as_view(), name="shares_report")]


@hooks.register("register_reports_menu_item")
def shares_report_menu_item() -> MenuItem:
    """Put the report with Wagtail's own."""
    return MenuItem("Shares", reverse("shares_report"), icon_name="group", order=100)
