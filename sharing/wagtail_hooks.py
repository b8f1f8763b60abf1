"""What sharing adds to the admin."""

from django.urls import URLPattern, path, reverse
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from sharing import card_views
from sharing.reports import SharesReport


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
