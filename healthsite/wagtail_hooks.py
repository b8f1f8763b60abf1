"""What the site as a whole adds to the admin."""

from typing import Any

from django.urls import URLPattern, path, reverse
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from healthsite.sections_listing import SectionsListing


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


@hooks.register("construct_main_menu")
def hide_unused_items(request: Any, items: list[MenuItem]) -> None:
    """Leave out what this site has none of."""
    items[:] = [item for item in items if item.name != "snippets"]
