"""Where editors see floods of shares that are held back, and decide about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.http import require_POST
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.admin.paginator import WagtailPaginator
from wagtail.admin.site_summary import SummaryItem
from wagtail.admin.views.generic import PermissionCheckedMixin
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin
from wagtail.log_actions import log
from wagtail.permissions import page_permission_policy

from sharing import burst_actions, burst_queries, queries
from sharing.burst_permissions import SEES_FLOODS, decidable_pages, sees_floods
from sharing.burst_queries import Flood, Hour
from sharing.models import ShareBurst, ShareClass
from sharing.shareables import Shareable, State, edit_url, shareables

FLOODS_A_PAGE = 20
# A page has no more to choose from; a form with more was made up.
MOST_AT_ONCE = 100

_ALL = "all"
_HELD, _ACCEPTED, _DROPPED = (
    ShareBurst.State.HELD,
    ShareBurst.State.ACCEPTED,
    ShareBurst.State.DROPPED,
)
FILTERS = {_HELD: "Waiting", _ACCEPTED: "Counted", _DROPPED: "Dropped", _ALL: "All"}


@dataclass(frozen=True)
class Decision:
    """What a button does: its name in the log, and what a message says of it."""

    state: ShareBurst.State
    act: Any
    log_action: str
    one: str
    several: str


DECISIONS = {
    "accept": Decision(
        _ACCEPTED, burst_actions.accept, "sharing.flood.accept", "counted now", "are counted now"
    ),
    "drop": Decision(
        _DROPPED,
        burst_actions.drop,
        "sharing.flood.drop",
        "dropped",
        "are dropped: they are in no number",
    ),
    "reopen": Decision(
        _HELD,
        burst_actions.reopen,
        "sharing.flood.reopen",
        "held back again",
        "are held back again",
    ),
}
_BACK_TO = {decision.state: name for name, decision in DECISIONS.items()}


@dataclass(frozen=True)
class Bar:
    """An hour in the picture, in its units: what is counted stands below what is not."""

    x: int
    counted: int
    rest: int

    @property
    def counted_top(self) -> int:
        """Return where the counted part begins."""
        return PICTURE_HEIGHT - self.counted

    @property
    def top(self) -> int:
        """Return where the bar begins."""
        return PICTURE_HEIGHT - self.counted - self.rest


PICTURE_HEIGHT = 60
_BAR = 6


@dataclass(frozen=True)
class Row:
    """A flood as the page shows it."""

    flood: Flood
    title: str
    kind: str
    edit_url: str
    report_url: str
    local_hour: str
    utc_hour: str
    channels: Sequence[tuple[str, int, int]]  # name, number, percent
    classes: Sequence[tuple[str, int]]
    bars: Sequence[Bar]
    may_decide: bool

    @property
    def key(self) -> str:
        """Return what a form says of it: its id, and the state that the page shows."""
        return f"{self.flood.burst.pk}:{self.flood.burst.state}"


class HeldBackShares(PermissionCheckedMixin, WagtailAdminTemplateMixin, TemplateView):
    """Floods of shares, the latest first: what each is, and what was decided."""

    page_title = "Held-back shares"
    header_icon = "warning"
    template_name = "sharing/admin/held_back_shares.html"
    permission_policy = page_permission_policy
    any_permission_required: ClassVar[list[str]] = list(SEES_FLOODS)

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here."""
        return [*self.breadcrumbs_items, {"url": "", "label": self.page_title}]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add a page of floods, in a constant number of queries."""
        state = _filter(self.request)
        bursts: QuerySet[ShareBurst] = ShareBurst.objects.select_related("target", "decided_by")
        if state != _ALL:
            bursts = bursts.filter(state=state)
        paginator = WagtailPaginator(bursts.order_by("-hour", "-pk"), FLOODS_A_PAGE)
        paginator.verbose_name = "flood"
        paginator.verbose_name_plural = "floods"
        page = paginator.get_page(self.request.GET.get("p"))
        rows = _rows(burst_queries.floods(page.object_list), self.request)
        numbers: dict[str, int] = dict(
            ShareBurst.objects.order_by().values_list("state").annotate(number=Count("pk"))
        )
        numbers[_ALL] = sum(numbers.values())
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "rows": rows,
            "any_to_decide": any(row.may_decide and not row.flood.is_forgotten for row in rows),
            "state": state,
            "filters": None,  # Wagtail's header takes a filter form under this name
            "tabs": [(key, name, numbers.get(key, 0)) for key, name in FILTERS.items()],
            "any_flood": bool(numbers[_ALL]),
            "limit": settings.SHARE_BURST_LIMIT,
            "here": urlencode({"state": state, "p": page.number}),
            "page_obj": page,
            "elided_page_range": paginator.get_elided_page_range(page.number),
            "picture_height": PICTURE_HEIGHT,
            "picture_width": (burst_queries.HOURS_DRAWN + 1) * _BAR,
            "time_zone": settings.TIME_ZONE,
        }


@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Count, drop or open floods again, and say what happened.

    `floods` has each one's id and the state that the user was shown, as “12:held”, several of them with
    commas or as several fields. A flood that is unknown is a 404, a form that was made up a 400.
    """
    decision = DECISIONS.get(request.POST.get("decision", ""))
    asked = _asked(request)
    if decision is None or asked is None:
        raise BadRequest("A form about floods of shares without its fields")
    answer = HttpResponseRedirect(f"{reverse('held_back_shares')}?{_back(request)}")
    if not asked:
        messages.warning(request, "Nothing was chosen, so nothing was changed.")
        return answer
    bursts = ShareBurst.objects.select_related("target").in_bulk(list(asked))
    if len(bursts) < len(asked):
        raise Http404("No such flood")
    pages = decidable_pages(request.user, {burst.target.page_id for burst in bursts.values()})
    if any(burst.target.page_id not in pages for burst in bursts.values()):
        raise PermissionDenied
    # In one order, whatever the form's: two who decide about the same floods do not wait in a circle.
    done: list[ShareBurst] = []
    for pk in sorted(asked):
        burst = bursts[pk]
        try:
            changed = decision.act(burst=burst, user=request.user, seen=asked[pk])
        except burst_actions.Changed as other:
            messages.warning(request, _decided_meanwhile(burst, other.burst))
        except burst_actions.Forgotten:
            messages.error(
                request, f"{_name(burst)}: its numbers are no longer kept, so nothing was changed."
            )
        else:
            if changed:
                log(burst, decision.log_action, user=request.user, title=_name(burst))
                done.append(burst)
            else:
                messages.info(
                    request, f"{_name(burst)}: was {decision.one} already; nothing was changed."
                )
    if done:
        messages.success(
            request, _told(request, decision, done, {asked[burst.pk] for burst in done})
        )
    return answer


class HeldBackSummary(SummaryItem):
    """The number of floods that wait, on the admin's first page."""

    order = 400
    template_name = "sharing/admin/held_back_summary.html"

    def is_shown(self) -> bool:
        """Tell whether the user works on articles and anything waits."""
        return sees_floods(self.request.user) and bool(self._floods())

    def get_context_data(self, parent_context: Any) -> dict[str, Any]:
        """Return the number."""
        return {"floods": self._floods()}

    def _floods(self) -> int:
        if not hasattr(self, "_number"):
            self._number = ShareBurst.objects.filter(state=_HELD).count()
        return self._number


def _filter(request: HttpRequest) -> str:
    state = request.GET.get("state") or str(_HELD)
    if state not in FILTERS:
        raise Http404("No such state of a flood")
    return state


def _back(request: HttpRequest) -> str:
    """Return the query of the list that the form stood on."""
    state = request.GET.get("state", "")
    page = request.GET.get("p", "")
    kept = {"state": state if state in FILTERS else str(_HELD)}
    return urlencode(kept | ({"p": page} if page.isascii() and page.isdigit() else {}))


def _asked(request: HttpRequest) -> dict[int, str] | None:
    """Return states by id; None where the form says something else."""
    asked: dict[int, str] = {}
    for field in request.POST.getlist("floods")[: MOST_AT_ONCE + 1]:
        for item in field.split(",", MOST_AT_ONCE):
            key, _, state = item.partition(":")
            if (
                not (key.isascii() and key.isdigit() and len(key) < 19)
                or state not in ShareBurst.State
            ):
                return None
            asked[int(key)] = state
    return asked if len(asked) <= MOST_AT_ONCE else None


def _rows(floods: list[Flood], request: HttpRequest) -> list[Row]:
    found = shareables({flood.burst.target for flood in floods}, request)
    names = queries.channel_names(name for flood in floods for name, _ in flood.by_channel)
    pages = decidable_pages(request.user, {flood.burst.target.page_id for flood in floods})
    return [_row(flood, found[flood.burst.target_id], names, pages) for flood in floods]


def _row(flood: Flood, shared: Shareable, names: dict[str, str], pages: set[int]) -> Row:
    burst = flood.burst
    kind = "Section" if shared.is_section else "Article"
    if shared.state is State.GONE:
        kind += ", deleted"
    elif shared.state is State.HIDDEN:
        kind += ", not published"
    elif shared.is_section:
        kind += f" of “{shared.article_title}”"
    gone = shared.state is State.GONE and not shared.article_url
    return Row(
        flood=flood,
        title=shared.title,
        kind=kind,
        edit_url="" if gone else edit_url(burst.target),
        report_url=_report_url(burst, shared),
        local_hour=_hour_words(burst.hour.astimezone(ZoneInfo(settings.TIME_ZONE))),
        utc_hour=_hour_words(burst.hour.astimezone(UTC)),
        channels=[
            (names[slug], number, round(100 * number / flood.held))
            for slug, number in flood.by_channel
        ],
        classes=[(ShareClass(each).label, number) for each, number in flood.by_class],
        bars=_bars(flood.drawn),
        may_decide=burst.target.page_id in pages,
    )


def _report_url(burst: ShareBurst, shared: Shareable) -> str:
    """Return the report of this article or section, of the day of the flood."""
    day = burst.hour.astimezone(UTC).date().isoformat()
    asked = {
        "period": "custom",
        "since": day,
        "until": day,
        "article": burst.target.page_id,
        "section": burst.target.code if shared.is_section else "whole",
    }
    return f"{reverse('shares_report')}?{urlencode(asked)}"


def _bars(hours: Sequence[Hour]) -> list[Bar]:
    most = max((hour.accepted for hour in hours), default=0)
    bars = []
    for place, hour in enumerate(hours):
        whole = _height(hour.accepted, most)
        counted = min(whole, _height(hour.counted, most))
        bars.append(Bar(place * _BAR, counted, whole - counted))
    return bars


def _height(number: int, most: int) -> int:
    """Return a bar's height; the smallest number is seen too."""
    return max(2, PICTURE_HEIGHT * number // most) if number else 0


def _hour_words(begin: datetime) -> str:
    end = (begin.astimezone(UTC) + timedelta(hours=1)).astimezone(begin.tzinfo)
    return f"{date_format(begin, 'j F Y, H:i')} to {date_format(end, 'H:i')}"


def _name(burst: ShareBurst) -> str:
    hour = burst.hour.astimezone(ZoneInfo(settings.TIME_ZONE))
    return f"“{burst.target.label}”, {date_format(hour, 'j F Y, H:i')}"


def _decided_meanwhile(burst: ShareBurst, now: ShareBurst) -> str:
    who = (
        f"{now.decided_by} decided meanwhile"
        if now.decided_by
        else "Somebody opened it again meanwhile"
    )
    return (
        f"{_name(burst)}: {who}, and it is {now.get_state_display().lower()}. You changed nothing."
    )


def _told(
    request: HttpRequest, decision: Decision, done: list[ShareBurst], before: set[str]
) -> str:
    """Return what was done, with a button that takes it back where all came from one state."""
    words = (
        f"{_name(done[0])}: {decision.one}."
        if len(done) == 1
        else f"{len(done)} floods {decision.several}."
    )
    return render_to_string(
        "sharing/admin/held_back_done.html",
        {
            "words": words,
            "floods": ",".join(f"{burst.pk}:{decision.state}" for burst in done),
            "undo": _BACK_TO[ShareBurst.State(before.pop())] if len(before) == 1 else "",
            "here": _back(request),
        },
        request=request,
    )
