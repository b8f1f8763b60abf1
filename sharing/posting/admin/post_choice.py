"""Where a post begins that does not begin in an article: which article or section it is about."""

from typing import Any, ClassVar

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.functional import cached_property
from wagtail.admin.ui.tables import BaseColumn, Column, TitleColumn
from wagtail.admin.views.generic import IndexView
from wagtail.models import Page
from wagtail.permissions import page_permission_policy

from sharing.campaign_permissions import editable_targets
from sharing.models import Delivery, ShareTarget
from sharing.posting.admin.post_list import kind_of
from sharing.posting.admin.standing import in_words
from sharing.shareables import State, shareables


class PostSubjects(IndexView):
    """The articles and sections that the user may write posts about, the newest article first.

    What was never saved for readers has no identity yet: its posts begin in the article's own editor.
    """

    model = ShareTarget
    page_title = "Write a post"
    page_subtitle = "about which article or section?"
    header_icon = "mail"
    verbose_name_plural = "articles and sections"
    template_name = "sharing/admin/posts.html"
    results_template_name = "sharing/admin/post_choice_results.html"
    permission_policy = page_permission_policy
    any_permission_required: ClassVar[list[str]] = ["change"]
    index_url_name = "post_new"
    index_results_url_name = "post_new_results"
    add_url_name = None
    edit_url_name = None
    default_ordering = "-page_id"
    paginate_by = 30
    search_fields: ClassVar[list[str]] = ["label"]

    @cached_property
    def columns(self) -> list[BaseColumn]:
        """Return the columns; the first one opens the composer."""
        return [
            TitleColumn("title", label="Title", get_url=_compose_url, accessor="shown.title"),
            Column("what", label="What", accessor=lambda target: kind_of(target.shown)),
            Column("posted", label="Posts", accessor=_last_posted),
        ]

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here: the list of posts."""
        items: list[dict[str, Any]] = super().get_breadcrumbs_items()
        return [*items[:-1], {"url": reverse("posts"), "label": "Posts"}, *items[-1:]]

    def get_base_queryset(self) -> QuerySet[ShareTarget]:
        """Return those whose article is there, each with the moment of its last post."""
        there = Page.objects.filter(pk=OuterRef("page_id"))
        last = (
            Delivery.objects.filter(target=OuterRef("pk"))
            .order_by()
            .values("target")
            .annotate(last=Max("published_at"))
            .values("last")
        )
        return (
            editable_targets(self.request.user)
            .filter(Exists(there))
            .annotate(last_posted=Subquery(last))
        )

    def search_queryset(self, queryset: QuerySet[ShareTarget]) -> QuerySet[ShareTarget]:
        """Look for words in titles: those of an article find its sections, too."""
        if not self.is_searching:
            return queryset
        words = self.search_query
        article = ShareTarget.objects.filter(
            page_id=OuterRef("page_id"), block_id=None, label__icontains=words
        )
        return queryset.filter(Q(label__icontains=words) | Exists(article))

    def order_queryset(self, queryset: QuerySet[ShareTarget]) -> QuerySet[ShareTarget]:
        """Return the newest article first, each before its sections: it gets its identity before they do."""
        return queryset.order_by("-page_id", "pk")

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add what each row stands for, in a constant number of queries."""
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        targets: list[ShareTarget] = list(context["object_list"])
        found = shareables(targets, self.request)
        for target in targets:
            target.shown = found[target.pk]  # type: ignore[attr-defined]  # for the columns
        context["object_list"] = targets
        context["table"] = self.get_table(targets)
        return context


def _compose_url(target: Any) -> str | None:
    """Return where its post is written; None for a section that was removed."""
    if target.shown.state is State.GONE:
        return None
    return reverse("post_compose", args=[target.pk])


def _last_posted(target: Any) -> str:
    return f"Last post {in_words(target.last_posted)}" if target.last_posted else "No post yet"
