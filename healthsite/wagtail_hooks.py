"""What the site as a whole adds to the admin."""

from typing import Any

from django.contrib.auth.models import Permission
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from healthsite.article_editor import ArticleViews
from healthsite.begin import Begin
from healthsite.delivery.keeping import keep_page
from healthsite.mail import outbox
from healthsite.sections_listing import SectionsListing


@hooks.register("insert_global_admin_css")
def admin_style() -> str:
    """Mend what the admin lacks on a phone."""
    return format_html('<link rel="stylesheet" href="{}">', static("healthsite/admin.css"))


@hooks.register("register_admin_viewset")
def article_views() -> ArticleViews:
    """Show an article's shares beside its text."""
    return ArticleViews()


@hooks.register("register_admin_urls")
def section_urls() -> list[URLPattern]:
    """Mount the listing of sections."""
    return [
        path("sections/", SectionsListing.as_view(), name="sections"),
        path(
            "sections/results/",
            SectionsListing.as_view(results_only=True),
            name="sections_results",
        ),
    ]


@hooks.register("register_admin_menu_item")
def sections_menu_item() -> MenuItem:
    """Put Sections right under Pages."""
    return MenuItem("Sections", reverse("sections"), icon_name="list-ul", order=150)


@hooks.register("construct_homepage_panels")
def where_to_begin(request: Any, panels: list[Any]) -> None:
    """Tell editors of a fresh site where to begin."""
    panels.append(Begin())


@hooks.register("construct_main_menu")
def hide_unused_items(request: Any, items: list[MenuItem]) -> None:
    """Leave out what this site has none of."""
    items[:] = [item for item in items if item.name != "snippets"]


@hooks.register("register_admin_urls")
def mail_urls() -> list[URLPattern]:
    """Mount the mail outbox."""
    return [
        path("mail/", outbox.Outbox.as_view(), name="mail_outbox"),
        path("mail/results/", outbox.Outbox.as_view(results_only=True), name="mail_outbox_results"),
        path("mail/<int:pk>/", outbox.MailPage.as_view(), name="mail_outbox_mail"),
        path("mail/<int:pk>/again/", outbox.SendAgain.as_view(), name="mail_outbox_again"),
    ]


@hooks.register("register_settings_menu_item")
def mail_menu_item() -> MenuItem:
    """Put the mail outbox into the settings."""
    return outbox.OutboxMenuItem("Mail outbox", reverse("mail_outbox"), icon_name="mail", order=850)


@hooks.register("register_permissions")
def mail_permissions() -> Any:
    """Let a role see mails, or send them again."""
    return Permission.objects.filter(
        content_type__app_label="healthsite", content_type__model="outgoingmail"
    )


@hooks.register("before_serve_page")
def keep_answers(page: Any, request: Any, *args: Any) -> None:
    """Let delivery keep what a reader gets."""
    keep_page(page, request)
