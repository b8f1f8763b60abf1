"""What articles add to Wagtail's editor."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from wagtail import hooks
from wagtail.admin.menu import MenuItem
from wagtail.admin.widgets import Button

from articles.checks import missing_headings
from articles.import_views import export_article, import_article, may_import
from articles.models import ArticlePage, HomePage


@hooks.register("insert_editor_js")
def editor_scripts() -> SafeString:
    """Fill a section's slug while its heading is typed; open the editor at the block asked for."""
    scripts = ["articles/section_slugs.js", "articles/block_anchor.js"]
    return format_html_join(
        "\n",
        '<script type="module" src="{}"></script>',
        [(static(script),) for script in scripts],
    )


@hooks.register("after_publish_page")
def warn_of_missing_headings(request: HttpRequest, page: Any) -> None:
    """Say which sections went out without a heading."""
    if not isinstance(page, ArticlePage):
        return
    unnamed = [f"part {position}" for position in missing_headings(page)]
    if unnamed:
        messages.warning(
            request,
            f"Published without a heading: {', '.join(unnamed)}. Readers see “Part N of {page.title}”; "
            "give each a heading so that it can be found and shared by name.",
        )


@hooks.register("register_admin_urls")
def import_and_export_urls() -> list[URLPattern]:
    """Mount the import and the export."""
    return [
        path("articles/import/", import_article, name="import_article"),
        path("articles/<int:pk>/export/", export_article, name="export_article"),
    ]


class ImportMenuItem(MenuItem):
    """Shown to those who may add an article."""

    def is_shown(self, request: HttpRequest) -> bool:
        """Tell whether this person may import."""
        return may_import(request.user)


@hooks.register("register_admin_menu_item")
def import_menu_item() -> MenuItem:
    """Put the import right under Pages and Sections."""
    return ImportMenuItem(
        "Import article", reverse("import_article"), icon_name="upload", order=160
    )


@hooks.register("register_page_header_buttons")
def header_buttons(
    page: Any, user: Any, view_name: str, next_url: str | None = None
) -> Iterator[Button]:
    """Offer the import at the home page, and the export at an article."""
    page = page.specific
    if _is_a(page, HomePage) and may_import(user):
        yield Button("Import article", reverse("import_article"), icon_name="upload", priority=16)
    yield from _export_button(page, user)


@hooks.register("register_page_listing_more_buttons")
def listing_buttons(page: Any, user: Any, next_url: str | None = None) -> Iterator[Button]:
    """Offer the export in the explorer."""
    yield from _export_button(page, user)


def _export_button(page: Any, user: Any) -> Iterator[Button]:
    if _is_a(page, ArticlePage) and page.permissions_for_user(user).can_edit():
        yield Button(
            "Export as Markdown",
            reverse("export_article", args=[page.pk]),
            icon_name="download",
            priority=45,
        )


def _is_a(page: Any, model: type) -> bool:
    """Tell a page's kind; listings hand over plain `Page` objects."""
    return page.pk is not None and issubclass(page.specific_class or type(page), model)
