"""What the list, the calendar and the ledgers of posts add to the admin."""

from typing import Any

from django.urls import URLPattern, path, reverse
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from sharing.posting.admin import (
    ledger,
    ledger_actions,
    post_calendar,
    post_choice,
    post_list,
)


@hooks.register("register_admin_urls")
def post_urls() -> list[URLPattern]:
    """Mount the posts."""
    return [
        path("posts/", post_list.Posts.as_view(), name="posts"),
        path("posts/results/", post_list.Posts.as_view(results_only=True), name="posts_results"),
        path("posts/new/", post_choice.PostSubjects.as_view(), name="post_new"),
        path(
            "posts/new/results/",
            post_choice.PostSubjects.as_view(results_only=True),
            name="post_new_results",
        ),
        path("posts/calendar/", post_calendar.PostsCalendar.as_view(), name="posts_calendar"),
        path("posts/<int:pk>/", ledger.PostPage.as_view(), name="post"),
        path("posts/<int:pk>/standing/", ledger.PostStanding.as_view(), name="post_standing"),
        path(
            "posts/<int:pk>/reschedule/",
            ledger_actions.Reschedule.as_view(),
            name="post_reschedule",
        ),
        *delivery_urls(),
    ]


def delivery_urls() -> list[URLPattern]:
    """Return what can be done with one delivery."""
    views = {
        "cancel": ledger_actions.Cancel.as_view(),
        "it-is-there": ledger_actions.ItIsThere.as_view(),
        "send-again": ledger_actions.SendAgain.as_view(),
        "try-again": ledger_actions.try_again,
        "delete": ledger_actions.DeleteThere.as_view(),
        "correct": ledger_actions.CorrectThere.as_view(),
        "leave": ledger_actions.leave_there,
        "still-right": ledger_actions.still_right,
    }
    return [
        path(f"posts/deliveries/<int:pk>/{name}/", view, name=f"delivery_{name.replace('-', '_')}")
        for name, view in views.items()
    ]


@hooks.register("register_admin_menu_item")
def posts_menu_item() -> MenuItem:
    """Put Posts under Sections."""
    return post_list.PostsMenuItem(
        "Posts", reverse("posts"), name="posts", icon_name="openquote", order=160
    )


@hooks.register("construct_homepage_summary_items")
def posts_summary(request: Any, items: list[Any]) -> None:
    """Tell of posts that wait for a person on the admin's first page."""
    items.append(post_list.PostsSummary(request))
