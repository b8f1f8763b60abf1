"""Where a post begins that does not begin in an article: which article or section it is about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from wagtail.admin.ui.tables import BaseColumn, Column
from wagtail.admin.views.generic import IndexView
from wagtail.models import Page
from wagtail.permissions import page_permission_policy

from sharing import shareables
from sharing.campaign_permissions import editable_targets
from sharing.models import Delivery, ShareTarget
from sharing.posting.admin.post_list import kind_of
from sharing.posting.admin.standing import in_words
from sharing.shareables import LatestDraft, Shareable, State

# Of an article that has no identity yet, in the place of its target's id.
_NONE = 0
DRAFT, TAKEN_DOWN = "Draft", "Not published"


@dataclass(frozen=True)
class Drafted:
    """A section that is in the draft alone and that nothing was posted about: its title, and where that begins."""

    title: str
    url: str


@dataclass(frozen=True)
class Subject:
    """An article or section as a row. `url` is empty where nothing can be written about it any more.

    `tag` says why readers do not see it yet; `sections` are those of an article's draft that have no row.
    """

    title: str
    kind: str
    url: str
    tag: str
    posted: str
    sections: Sequence[Drafted] = field(default=())


class SubjectColumn(Column):
    """What it is called, whether it is a draft, and the sections of a draft."""

    cell_template_name = "sharing/admin/post_choice_cell.html"


class PostSubjects(IndexView):
    """The articles and sections that the user may write posts about, the newest article first, drafts among them.

    A draft that nothing was posted about has no identity yet: it gets one as the composer opens.
    """

    model = ShareTarget
    page_title = "Write a post"
    page_subtitle = "about which article or section?"
    header_icon = "edit"
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
            SubjectColumn("title", label="Title", width="50%"),
            Column("kind", label="What"),
            Column("posted", label="Posts", width="18%"),
        ]

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here: the list of posts."""
        items: list[dict[str, Any]] = super().get_breadcrumbs_items()
        return [*items[:-1], {"url": reverse("posts"), "label": "Posts"}, *items[-1:]]

    def get_queryset(self) -> Any:
        """Return (page id, target id) of each, the target's 0 where there is none yet; an article before its sections.

        Words are looked for in titles: those of an article, as published or as its draft has it, find its sections,
        too. What is in a draft's text is not looked for.
        """
        targets = editable_targets(self.request.user)
        drafts = shareables.without_identity()
        if not self.request.user.is_superuser:
            pages = page_permission_policy.instances_user_has_permission_for(
                self.request.user, "change"
            )
            drafts = drafts.filter(pk__in=pages.values("pk"))
        page = Page.objects.filter(pk=OuterRef("page_id"))
        if self.is_searching:
            words = self.search_query
            article: QuerySet[ShareTarget] = ShareTarget.objects.filter(
                page_id=OuterRef("page_id"), block_id=None, label__icontains=words
            )
            targets = targets.filter(
                Q(label__icontains=words)
                | Exists(article)
                | Exists(page.filter(draft_title__icontains=words))
            )
            drafts = drafts.filter(Q(title__icontains=words) | Q(draft_title__icontains=words))
        mine = targets.filter(Exists(page)).order_by().values_list("page_id", "id")
        # An order of theirs has no meaning in a part of a union.
        others = drafts.order_by().annotate(target=Value(_NONE)).values_list("pk", "target")
        return mine.union(others, all=True).order_by("-page_id", "id")

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add what each row stands for, in a constant number of queries."""
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        rows = _subjects(list(context["object_list"]), self.request)
        context["object_list"] = rows
        context["table"] = self.get_table(rows)
        return context


def _subjects(keys: Sequence[tuple[int, int]], request: HttpRequest) -> list[Subject]:
    """Return the rows of pairs of a page's and a target's id."""
    targets = ShareTarget.objects.in_bulk([target_id for _, target_id in keys if target_id])
    found = shareables.shareables(targets.values(), request)
    last = _last_posted(targets)
    drafts = shareables.latest_drafts({page_id for page_id, _ in keys})
    known: dict[int, set[UUID | None]] = {}
    for page_id, block_id in ShareTarget.objects.filter(page_id__in=drafts).values_list(
        "page_id", "block_id"
    ):
        known.setdefault(page_id, set()).add(block_id)
    rows = []
    for page_id, target_id in keys:
        draft = drafts.get(page_id)
        target = targets.get(target_id)
        if target is not None:
            fresh = _new_sections(page_id, draft, known) if target.block_id is None else ()
            rows.append(_of_target(found[target.pk], draft, last.get(target.pk), fresh))
        elif draft is not None:
            fresh = _new_sections(page_id, draft, known)
            url = reverse("post_begin", args=[page_id, "article"])
            rows.append(Subject(draft.title, "Article", url, DRAFT, _posts(None), fresh))
    return rows


def _of_target(
    shared: Shareable,
    draft: LatestDraft | None,
    last: datetime | None,
    sections: Sequence[Drafted],
) -> Subject:
    block_id = shared.target.block_id
    url = reverse("post_compose", args=[shared.target.pk])
    if shared.state is State.LIVE:
        return Subject(shared.title, kind_of(shared), url, "", _posts(last), sections)
    title = draft and (draft.title if block_id is None else draft.sections.get(block_id))
    if draft is None or not title:
        return Subject(shared.title, kind_of(shared), "", "", _posts(last))
    kind = "Article" if block_id is None else f"Section of “{draft.title}”"
    # Of a published article a section that readers do not see was never published, or is so again with its draft.
    is_down = shared.state is State.HIDDEN and draft.was_published
    return Subject(title, kind, url, TAKEN_DOWN if is_down else DRAFT, _posts(last), sections)


def _new_sections(
    page_id: int, draft: LatestDraft | None, known: Mapping[int, Iterable[UUID | None]]
) -> Sequence[Drafted]:
    """Return the sections of a draft that have no identity, and so no row."""
    if draft is None:
        return ()
    there = set(known.get(page_id, ()))
    return [
        Drafted(title, reverse("post_begin", args=[page_id, str(block_id)]))
        for block_id, title in draft.sections.items()
        if block_id not in there
    ]


def _last_posted(target_ids: Iterable[int]) -> dict[int, datetime]:
    """Return when the last post about each of these went out, with one query."""
    rows = Delivery.objects.filter(target_id__in=list(target_ids), published_at__isnull=False)
    return dict(rows.order_by().values_list("target_id").annotate(last=Max("published_at")))


def _posts(last: datetime | None) -> str:
    return f"Last post {in_words(last)}" if last else "No post yet"
