"""A month of posts: planned, published, failed; in the site's time zone."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView
from wagtail.admin.views.generic import PermissionCheckedMixin
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.admin.widgets.button import HeaderButton
from wagtail.permissions import page_permission_policy

from sharing.networks.posting import network_name
from sharing.posting.admin.standing import Standing, site_zone, standing
from sharing.posting.models import Delivery
from sharing.posting.permissions import visible_deliveries
from sharing.posting.states import DeliveryState

# A day with more of them names the others by their number, and links to the list.
MOST_A_DAY = 6
# A month has no more in it than this; beyond it, the page says so.
MOST_A_MONTH = 3000
MOST_UNDATED = 50
_FIRST_YEAR, _LAST_YEAR = 2000, 2200

# What has no day of its own any more is left out.
_SHOWN = [
    state
    for state in DeliveryState
    if state not in {DeliveryState.CANCELLED, DeliveryState.WITHDRAWN}
]
# Of several deliveries of one post, the entry is coloured by the one that needs somebody most.
_GRAVEST = ("failed", "unknown", "overdue", "gone", "sending", "draft", "approved", "at-publish",
            "leaving", "changing", "published")  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A post on one day: when, what about, and where it goes."""

    post_id: int
    moment: datetime | None
    title: str
    networks: str
    standing: Standing

    @property
    def url(self) -> str:
        """Return the post's own page."""
        return reverse("post", args=[self.post_id])


@dataclass(frozen=True)
class Day:
    """One day of the calendar."""

    date: date
    in_month: bool
    is_today: bool
    entries: list[Entry]
    more: int
    more_url: str


@dataclass(frozen=True)
class Week:
    """One row of the calendar."""

    days: list[Day]

    @property
    def is_empty(self) -> bool:
        """Tell whether none of its days in the month has a post: a phone leaves it out."""
        return not any(day.in_month and day.entries for day in self.days)


@dataclass(frozen=True)
class Month:
    """The month that is asked for."""

    year: int
    month: int

    @property
    def first(self) -> date:
        """Return its first day."""
        return date(self.year, self.month, 1)

    @property
    def key(self) -> str:
        """Return it as an address has it: “2026-11”."""
        return f"{self.year:04}-{self.month:02}"

    def next(self, step: int) -> "Month":
        """Return the month so many months later."""
        months = self.year * 12 + self.month - 1 + step
        return Month(months // 12, months % 12 + 1)


class PostsCalendar(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """The posts of a month about what the user may edit; `?month=2026-11`, this month without it."""

    page_title = "Posts calendar"
    header_icon = "calendar-alt"
    template_name = "sharing/admin/posts_calendar.html"
    permission_policy = page_permission_policy
    any_permission_required: ClassVar[list[str]] = ["add", "change", "publish"]

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse("posts"), "label": "Posts"},
            {"url": "", "label": "Calendar"},
        ]

    def get_header_buttons(self) -> list[HeaderButton]:
        """Return the way to the list."""
        return [HeaderButton("List", reverse("posts"), icon_name="list-ul")]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the weeks of the month, in a constant number of queries."""
        now = timezone.now()
        today = now.astimezone(site_zone()).date()
        month = _asked_month(self.request.GET.get("month", ""), today)
        weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
        deliveries = _dated(self.request.user, weeks[0][0], weeks[-1][-1])
        by_day: dict[date, list[Entry]] = {}
        for day, of_day in _by_day(deliveries).items():
            by_day[day] = _entries(of_day, now)
        shown = [
            Week([_day(each, month, today, by_day.get(each, [])) for each in week])
            for week in weeks
        ]
        undated = _entries(_undated(self.request.user), now)
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "month": month,
            "previous": month.next(-1) if month.year > _FIRST_YEAR else None,
            "next": month.next(1) if month.year < _LAST_YEAR else None,
            "is_this_month": (today.year, today.month) == (month.year, month.month),
            "weekdays": weeks[0],
            "weeks": shown,
            "is_empty": all(week.is_empty for week in shown),
            "is_cut": len(deliveries) == MOST_A_MONTH,
            "undated": undated,
            "time_zone": settings.TIME_ZONE,
        }


def _asked_month(asked: str, today: date) -> Month:
    if not asked:
        return Month(today.year, today.month)
    year, _, month = asked.partition("-")
    if not (asked.isascii() and year.isdigit() and month.isdigit() and len(asked) == 7):
        raise Http404("No such month")
    if not (_FIRST_YEAR <= int(year) <= _LAST_YEAR and 1 <= int(month) <= 12):
        raise Http404("No such month")
    return Month(int(year), int(month))


def _dated(user: Any, first: date, last: date) -> list[Delivery]:
    """Return what went out, or is to go out, on these days."""
    begin = datetime.combine(first, time(), site_zone()).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time(), site_zone()).astimezone(UTC)
    # Each half has an index of its own.
    went_out = Q(state=DeliveryState.PUBLISHED, published_at__gte=begin, published_at__lt=end)
    is_due = Q(state__in=_SHOWN, published_at=None, due_at__gte=begin, due_at__lt=end)
    found = (
        visible_deliveries(user)
        .filter(went_out | is_due)
        .annotate(moment=Coalesce("published_at", "due_at"))
    )
    return list(_with_all(found).order_by("moment", "pk")[:MOST_A_MONTH])


def _undated(user: Any) -> list[Delivery]:
    """Return what waits for a page to be published, or was never given a time."""
    waiting = visible_deliveries(user).filter(
        due_at=None, published_at=None, state__in=[DeliveryState.DRAFT, DeliveryState.APPROVED]
    )
    return list(_with_all(waiting).order_by("post_id", "pk")[:MOST_UNDATED])


def _with_all(deliveries: Any) -> Any:
    return deliveries.select_related("account", "post", "target", "watch").defer("prepared", "text")


def _by_day(deliveries: Iterable[Delivery]) -> dict[date, list[Delivery]]:
    days: dict[date, list[Delivery]] = {}
    for each in deliveries:
        moment: datetime = each.moment  # type: ignore[attr-defined]  # annotated
        days.setdefault(moment.astimezone(site_zone()).date(), []).append(each)
    return days


def _entries(deliveries: Iterable[Delivery], now: datetime) -> list[Entry]:
    """Return the posts of deliveries, in their order: one entry a post."""
    posts: dict[int, list[Delivery]] = {}
    for each in deliveries:
        posts.setdefault(each.post_id, []).append(each)
    return [_entry(post_id, mine, now) for post_id, mine in posts.items()]


def _entry(post_id: int, deliveries: list[Delivery], now: datetime) -> Entry:
    standings = [standing(each, now) for each in deliveries]
    gravest = min(standings, key=lambda each: _GRAVEST.index(each.key))
    moment = getattr(deliveries[0], "moment", None)
    names = dict.fromkeys(network_name(each.account.network) for each in deliveries)
    return Entry(
        post_id=post_id,
        moment=moment.astimezone(site_zone()) if moment else None,
        title=deliveries[0].target.label,
        networks=", ".join(names),
        standing=gravest,
    )


def _day(day: date, month: Month, today: date, entries: list[Entry]) -> Day:
    asked = {"went_out_from": day.isoformat(), "went_out_to": day.isoformat()}
    return Day(
        date=day,
        in_month=day.month == month.month,
        is_today=day == today,
        entries=entries[:MOST_A_DAY],
        more=max(0, len(entries) - MOST_A_DAY),
        more_url=f"{reverse('posts')}?{urlencode(asked)}",
    )
