"""The admin's listing of every live section, with its shares beside it."""

from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.functional import cached_property
from wagtail.admin.ui.tables import BaseColumn, Column, DateColumn, NumberColumn, TitleColumn
from wagtail.admin.views.generic import IndexView
from wagtail.permissions import page_permission_policy

from articles import queries as articles_queries
from articles.models import Section
from sharing import queries as sharing_queries


class SectionsListing(IndexView):
    """Live sections of the articles that the user may edit: article, heading, changed, shares."""

    model = Section
    page_title = "Sections"
    header_icon = "list-ul"
    verbose_name_plural = "sections"
    permission_policy = page_permission_policy
    any_permission_required: ClassVar[list[str]] = ["add", "change", "publish"]
    index_url_name = "sections"
    index_results_url_name = "sections_results"
    default_ordering = "-changed_at"
    paginate_by = 50
    search_fields: ClassVar[list[str]] = ["title", "page__title", "slug"]
    add_url_name = None
    list_filter: ClassVar[list[str]] = ["aspect"]

    @cached_property
    def columns(self) -> list[BaseColumn]:
        """Return the columns; the heading opens the editor at its block."""
        return [
            TitleColumn("title", label="Heading", get_url=_edit_url, sort_key="title"),
            Column("page.title", label="Article", sort_key="page__title"),
            DateColumn("changed_at", label="Changed", sort_key="changed_at"),
            NumberColumn("shares", label="Shared"),
        ]

    def get_base_queryset(self) -> QuerySet[Section]:
        """Return the live sections of the articles that the user may edit."""
        pages = page_permission_policy.instances_user_has_any_permission_for(
            self.request.user, {"add", "change", "publish"}
        )
        # Asked of each section, so that the newest are read in the order of their index; `IN` lets the
        # database begin with the pages and sort every section of the site.
        may_edit = Exists(pages.filter(pk=OuterRef("page_id")))
        sections = articles_queries.live_sections().filter(may_edit)
        return sections.defer("text", "page__body", "page__introduction")

    def order_queryset(self, queryset: QuerySet[Section]) -> QuerySet[Section]:
        """Order as asked for, and equals by their ids: as an index has them, and no page repeats one."""
        ordered: QuerySet[Section] = super().order_queryset(queryset)
        return ordered.order_by(*ordered.query.order_by, "-pk")

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the shares of the sections on this page of the listing, with one query."""
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        sections: list[Section] = list(context["object_list"])
        totals = sharing_queries.totals((row.page_id, row.block_id) for row in sections)
        for section in sections:
            section.shares = totals.get((section.page_id, section.block_id), 0)  # type: ignore[attr-defined]  # for the column
        context["object_list"] = sections
        context["table"] = self.get_table(sections)
        return context


def _edit_url(section: Section) -> str:
    return articles_queries.edit_url(section.page_id, section.block_id)
