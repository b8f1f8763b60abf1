"""The list of all posts: what goes out, what went out, and what somebody has to look at."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from wagtail.admin.filters import DateRangePickerWidget, MultipleUserFilter, WagtailFilterSet
from wagtail.admin.menu import MenuItem
from wagtail.admin.site_summary import SummaryItem
from wagtail.admin.ui.tables import BaseColumn, Column
from wagtail.admin.views.generic import IndexView
from wagtail.admin.widgets.button import HeaderButton
from wagtail.permissions import page_permission_policy

from sharing.networks.posting import CONNECTORS
from sharing.posting.admin.standing import Standing, in_words, post_when, standing, zone_of
from sharing.posting.after_models import PostWish
from sharing.posting.following import Notice, notices
from sharing.posting.models import Delivery, SocialAccount, SocialPost
from sharing.posting.observing import GONE
from sharing.posting.permissions import sees_posts, visible_deliveries, visible_posts
from sharing.posting.queries import WAITS_FOR_A_PERSON, overdue
from sharing.posting.states import DeliveryState
from sharing.shareables import Shareable, State, shareables

_PERSON, _OVERDUE, _GONE = "person", "overdue", "gone"
STATES = [
    (_PERSON, "Needs a person (failed or unknown)"),
    (_OVERDUE, "Overdue"),
    (_GONE, "Published, gone there"),
    *((state.value, state.label) for state in DeliveryState),
]


@dataclass(frozen=True)
class Line:
    """One delivery of a post as lists show it."""

    delivery: Delivery
    standing: Standing
    moment: str
    notice: Notice | None


class PostsMenuItem(MenuItem):
    """Show posts to those who work on pages."""

    def is_shown(self, request: HttpRequest) -> bool:
        """Return whether the user sees posts."""
        return sees_posts(request.user)


class PostFilters(WagtailFilterSet):
    """What a list of posts is narrowed by; all of it must hold of one and the same delivery."""

    state = django_filters.MultipleChoiceFilter(
        label="State", choices=STATES, widget=forms.CheckboxSelectMultiple
    )
    account = django_filters.ModelMultipleChoiceFilter(
        label="Account",
        queryset=SocialAccount.objects.order_by("network", "handle", "pk"),
        widget=forms.CheckboxSelectMultiple,
    )
    network = django_filters.MultipleChoiceFilter(
        label="Network",
        choices=[(each.slug, each.name) for each in CONNECTORS],
        widget=forms.CheckboxSelectMultiple,
    )
    author = MultipleUserFilter(
        label="Author",
        queryset=lambda request: get_user_model().objects.filter(
            pk__in=SocialPost.objects.exclude(created_by=None).order_by().values("created_by")
        ),
        widget=forms.CheckboxSelectMultiple,
    )
    went_out = django_filters.DateFromToRangeFilter(
        label="Went out, or is to go out", widget=DateRangePickerWidget
    )

    class Meta:
        model = SocialPost
        fields: ClassVar[list[str]] = []

    def filter_queryset(self, queryset: QuerySet[SocialPost]) -> QuerySet[SocialPost]:
        """Return the posts with a delivery that is asked for."""
        asked = self.form.cleaned_data
        wanted = Q()
        if states := asked["state"]:
            wanted &= _in_states(states, timezone.now())
        if accounts := asked["account"]:
            wanted &= Q(account__in=[each.pk for each in accounts])
        if networks := asked["network"]:
            wanted &= Q(account__network__in=networks)
        if days := asked["went_out"]:
            wanted &= Q(moment__gte=days.start) if days.start else Q()
            wanted &= Q(moment__lte=days.stop) if days.stop else Q()
        if wanted:
            deliveries = Delivery.objects.annotate(moment=Coalesce("published_at", "due_at"))
            queryset = queryset.filter(Exists(deliveries.filter(wanted, post=OuterRef("pk"))))
        if authors := asked["author"]:
            queryset = queryset.filter(created_by__in=[each.pk for each in authors])
        return queryset


def _in_states(states: Iterable[str], now: datetime) -> Q:
    wanted = Q()
    for each in states:
        if each == _PERSON:
            wanted |= Q(state__in=WAITS_FOR_A_PERSON)
        elif each == _OVERDUE:
            wanted |= overdue(now)
        elif each == _GONE:
            wanted |= Q(state=DeliveryState.PUBLISHED, watch__problem=GONE)
        else:
            wanted |= Q(state=each)
    return wanted


class PostColumn(Column):
    """What the post is about, and how it begins."""

    cell_template_name = "sharing/admin/post_cell.html"


class DeliveriesColumn(Column):
    """Each account that it goes to, and how it stands there."""

    cell_template_name = "sharing/admin/post_deliveries_cell.html"


class Posts(IndexView):
    """All posts about what the user may edit, the newest first."""

    model = SocialPost
    page_title = "Posts"
    header_icon = "openquote"
    template_name = "sharing/admin/posts.html"
    results_template_name = "sharing/admin/posts_results.html"
    permission_policy = page_permission_policy
    any_permission_required: ClassVar[list[str]] = ["add", "change", "publish"]
    index_url_name = "posts"
    index_results_url_name = "posts_results"
    add_url_name = None
    edit_url_name = None
    default_ordering = "-pk"
    paginate_by = 30
    search_fields: ClassVar[list[str]] = ["target__label"]
    filterset_class = PostFilters
    verbose_name_plural = "posts"

    @cached_property
    def columns(self) -> list[BaseColumn]:
        """Return the columns; the first one opens the post."""
        return [
            PostColumn("post", label="Post", accessor="pk", width="46%"),
            DeliveriesColumn("deliveries", label="Where, and how it stands", accessor="pk"),
        ]

    @cached_property
    def header_buttons(self) -> list[HeaderButton]:
        """Return the ways to a new post and to the calendar."""
        new = HeaderButton("Write a post", reverse("post_new"), icon_name="plus")
        calendar = HeaderButton("Calendar", reverse("posts_calendar"), icon_name="calendar-alt")
        may_write = page_permission_policy.user_has_permission(self.request.user, "change")
        return [new, calendar] if may_write else [calendar]

    def get_base_queryset(self) -> QuerySet[SocialPost]:
        """Return posts with all that a row shows."""
        deliveries = Delivery.objects.select_related("account", "post", "watch").defer("prepared")
        open_wishes = Prefetch(
            "wishes", PostWish.objects.filter(ended_at=None), to_attr="open_wishes"
        )
        return (
            visible_posts(self.request.user)
            .select_related("target", "created_by")
            .prefetch_related(
                Prefetch("deliveries", deliveries.order_by("pk").prefetch_related(open_wishes))
            )
        )

    def search_queryset(self, queryset: QuerySet[SocialPost]) -> QuerySet[SocialPost]:
        """Look for words in the title of the page and in what is posted."""
        if not self.is_searching:
            return queryset
        words = self.search_query
        texts = Delivery.objects.filter(post=OuterRef("pk"), text__icontains=words)
        return queryset.filter(Q(target__label__icontains=words) | Exists(texts))

    def order_queryset(self, queryset: QuerySet[SocialPost]) -> QuerySet[SocialPost]:
        """Return the newest first: a key orders them, so that pages of the list do not overlap."""
        return queryset.order_by("-pk")

    def get_context_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add what each row says, in a constant number of queries."""
        context: dict[str, Any] = super().get_context_data(*args, **kwargs)
        posts: list[SocialPost] = list(context["object_list"])
        found = shareables({post.target for post in posts}, self.request)
        told = notices([each for post in posts for each in post.deliveries.all()], found)
        now = timezone.now()
        for post in posts:
            shared = found[post.target_id]
            post.shown = Shown(  # type: ignore[attr-defined]  # for the columns
                url=reverse("post", args=[post.pk]),
                title=shared.title,
                kind=kind_of(shared),
                when=post_when(post),
                beginning=next((each.text for each in post.deliveries.all()), ""),
                lines=lines(post.deliveries.all(), told, now),
            )
        context["object_list"] = posts
        context["table"] = self.get_table(posts)
        context["any_post"] = bool(posts) or visible_posts(self.request.user).exists()
        return context


@dataclass(frozen=True)
class Shown:
    """A post as a row of the list."""

    url: str
    title: str
    kind: str
    when: str
    beginning: str
    lines: list[Line]


def lines(deliveries: Iterable[Delivery], told: dict[int, Notice], now: datetime) -> list[Line]:
    """Return what lists say of deliveries, which have their open wishes with them."""
    return [
        Line(
            each,
            standing(each, now, next(iter(each.open_wishes), None)),  # type: ignore[attr-defined]  # prefetched
            moment_of(each),
            told.get(each.pk),
        )
        for each in deliveries
    ]


def moment_of(delivery: Delivery) -> str:
    """Return in words when a delivery went out, or is to, in the zone that its post was planned in."""
    if delivery.published_at is not None:
        return in_words(delivery.published_at, zone_of(delivery.post))
    if delivery.state in {DeliveryState.DRAFT, DeliveryState.APPROVED} and delivery.due_at:
        return in_words(delivery.due_at, zone_of(delivery.post))
    return ""


def kind_of(shared: Shareable) -> str:
    """Return what a post is about: an article or a section, and whether readers can open it."""
    kind = (
        f"Section of “{shared.article_title}”"
        if shared.is_section and shared.article_title
        else ("Section" if shared.is_section else "Article")
    )
    if shared.state is State.GONE:
        return f"{kind}, deleted"
    return f"{kind}, not published" if shared.state is State.HIDDEN else kind


class PostsSummary(SummaryItem):
    """The number of deliveries that wait for a person, on the admin's first page."""

    order = 390
    template_name = "sharing/admin/posts_summary.html"

    def is_shown(self) -> bool:
        """Tell whether the user sees posts and any of them waits for a person."""
        return sees_posts(self.request.user) and bool(self._number)

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        """Return the number."""
        return {"number": self._number, "url": f"{reverse('posts')}?state={_PERSON}"}

    @cached_property
    def _number(self) -> int:
        waiting = visible_deliveries(self.request.user).filter(state__in=WAITS_FOR_A_PERSON)
        return waiting.count()
