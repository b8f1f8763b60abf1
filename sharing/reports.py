"""The admin's plain report of shares."""

from typing import Any, ClassVar

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.functional import cached_property
from wagtail.admin.ui.tables import BaseColumn, Column, NumberColumn, TitleColumn
from wagtail.admin.views.reports import ReportView
from wagtail.permissions import page_permission_policy

from sharing.models import TOTAL_CLASSES, ShareClass, ShareTarget
from sharing.shareables import Shareable, State, edit_url, shareables

_STATES = {State.HIDDEN: "not published", State.GONE: "deleted"}


class SharesReport(ReportView):
    """Every article and section that was ever published, most shared first."""

    model = ShareTarget
    page_title = "Shares"
    header_icon = "group"
    index_url_name = "shares_report"
    index_results_url_name = "shares_report_results"
    permission_policy = page_permission_policy
    any_permission_required: ClassVar[list[str]] = ["add", "change", "publish"]
    default_ordering = "-total"
    is_searchable = True
    search_fields: ClassVar[list[str]] = ["label", "code"]
    verbose_name = "article or section"
    verbose_name_plural = "articles and sections"
    no_results_message = (
        "Nothing was published yet: an article appears here with its first publication."
    )

    @cached_property
    def columns(self) -> list[BaseColumn]:
        """Return one column a class that can be counted now, and the total that readers see."""
        return [
            TitleColumn("label", label="Title", get_url=_edit_url, sort_key="label"),
            Column("kind", label="What", accessor=_kind),
            Column("article", label="In the article", accessor=_article),
            NumberColumn("total", label="Shared", sort_key="total"),
            NumberColumn("intents", label="Intents", sort_key="intents"),
            NumberColumn("handed_over", label="Handed over", sort_key="handed_over"),
            NumberColumn("arrivals", label="Arrivals", sort_key="arrivals"),
        ]

    def get_base_queryset(self) -> QuerySet[ShareTarget]:
        """Return all targets with their counts."""
        return ShareTarget.objects.annotate(
            total=_sum(Q(counts__share_class__in=TOTAL_CLASSES)),
            intents=_sum(Q(counts__share_class=ShareClass.INTENT)),
            handed_over=_sum(Q(counts__share_class=ShareClass.HANDED_OVER)),
            arrivals=_sum(Q(counts__share_class=ShareClass.ARRIVAL)),
        )

    def order_queryset(self, queryset: QuerySet[ShareTarget]) -> QuerySet[ShareTarget]:
        """Order as asked for, then by age, so that pages of the report do not overlap."""
        ordered: QuerySet[ShareTarget] = super().order_queryset(queryset)
        return ordered.order_by(*ordered.query.order_by, "pk")

    def decorate_paginated_queryset(self, object_list: Any) -> Any:
        """Add what each target stands for now, in a constant number of queries."""
        found = shareables(object_list, self.request)
        for target in object_list:
            target.shareable = found[target.pk]
        return object_list


def _sum(condition: Q) -> Coalesce:
    return Coalesce(Sum("counts__count", filter=condition), 0)


def _edit_url(target: Any) -> str | None:
    # A deleted article has no editor; the editor of a section's article is left to undo a removal.
    shared: Shareable = target.shareable
    if shared.state is State.GONE and not shared.article_url:
        return None
    return edit_url(target)


def _article(target: Any) -> str:
    shared: Shareable = target.shareable
    return shared.article_title if shared.is_section else ""


def _kind(target: Any) -> str:
    shared: Shareable = target.shareable
    kind = "Section" if shared.is_section else "Article"
    return kind if shared.state is State.LIVE else f"{kind}, {_STATES[shared.state]}"
