"""What writing posts adds to the admin."""

from typing import Any

from django.urls import URLPattern, path
from wagtail import hooks
from wagtail.admin.ui.tables import Column
from wagtail.admin.viewsets.base import ViewSet
from wagtail.admin.viewsets.model import ModelViewSet

from sharing.models import PostTemplate
from sharing.posting.admin import composer, composer_approval
from sharing.posting.admin.standing import in_words


def _says_default(template: PostTemplate) -> str:
    return "Yes" if template.is_default else "No"


def _says_changed(template: PostTemplate) -> str:
    return in_words(template.changed_at)


class PostTemplates(ModelViewSet):
    """The named texts that posts begin with, under Settings."""

    model = PostTemplate
    icon = "doc-full-inverse"
    index_results_template_name = "sharing/admin/post_templates_results.html"
    menu_label = "Post templates"
    menu_hook = "register_settings_menu_item"
    menu_order = 710
    list_display = (
        "name",
        Column("default", label="Default", accessor=_says_default, sort_key="is_default"),
        Column("changed", label="Changed", accessor=_says_changed, sort_key="changed_at"),
    )
    add_to_reference_index = False
    copy_view_enabled = False
    inspect_view_enabled = False

    def get_index_view_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        """Name the button so that a phone has room for the title beside it."""
        given: dict[str, Any] = super().get_index_view_kwargs(add_item_label="Add", **kwargs)
        return given


post_templates = PostTemplates("post_templates", url_prefix="post-templates")


@hooks.register("register_admin_viewset")
def template_viewsets() -> list[ViewSet]:
    """Mount the templates."""
    return [post_templates]


@hooks.register("register_admin_urls")
def composer_urls() -> list[URLPattern]:
    """Mount the composer, and what publishers decide about its posts."""
    return [
        path("posts/new/<int:target_id>/", composer.Composer.as_view(), name="post_compose"),
        path("posts/about/<int:page_id>/<str:part>/", composer.begin, name="post_begin"),
        path("posts/<int:pk>/edit/", composer.Composer.as_view(), name="post_edit"),
        path("posts/<int:pk>/approve/", composer_approval.approve, name="post_approve"),
        path(
            "posts/<int:pk>/withdraw-approval/",
            composer_approval.withdraw_approval,
            name="post_withdraw_approval",
        ),
    ]


@hooks.register("construct_homepage_summary_items")
def waiting_posts_summary(request: Any, items: list[Any]) -> None:
    """Tell publishers of posts that wait for them on the admin's first page."""
    items.append(composer_approval.WaitingPostsSummary(request))
