"""A post's own page: where it goes, how it stands there, every attempt, and what can be done about it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.views.generic import TemplateView
from wagtail.admin.views.generic.base import WagtailAdminTemplateMixin

from sharing.links import post_address
from sharing.networks.posting import network_name
from sharing.networks.posting.contract import Repeat
from sharing.posting import drafting, installation
from sharing.posting.admin.composer_lines import arrivals_of
from sharing.posting.admin.numbers import numbers_of
from sharing.posting.admin.post_list import kind_of
from sharing.posting.admin.standing import (
    Standing,
    in_words,
    post_when,
    site_zone,
    standing,
    zone_of,
)
from sharing.posting.after_models import PostWatch, PostWish
from sharing.posting.afterwards import abilities
from sharing.posting.card_check import card_problems
from sharing.posting.following import Notice, Why, notices
from sharing.posting.models import Delivery, DeliveryAttempt, SocialAccount, SocialPost
from sharing.posting.observing import FIRST_LOOK, wait_for
from sharing.posting.permissions import may_approve, visible_posts
from sharing.posting.states import HELD, DeliveryState
from sharing.shareables import State, edit_url, shareables

_S = DeliveryState
_PUBLISH = DeliveryAttempt.Kind.PUBLISH
# What goes out so soon is watched for.
_SOON = timedelta(minutes=1)
# A ledger longer than this begins with its last lines.
MOST_LINES = 100


@dataclass(frozen=True)
class Button:
    """One thing that can be done: where it leads, and whether it is done at once or asked about first.

    `main` is the one that the page waits for. `seen` is sent with it: the moment of the post's last change that
    the page shows.
    """

    label: str
    url: str
    at_once: bool = False
    grave: bool = False
    main: bool = False
    seen: str = ""


@dataclass(frozen=True)
class LedgerLine:
    """One attempt: when it began, how long it took, what was asked, what came back."""

    began_at: datetime
    began: str
    took: str
    asked: str
    came_back: str
    led_to: str


@dataclass(frozen=True)
class Observed:
    """What a network told of a post, and why the last look brought nothing; empty where it did."""

    words: str
    told: str
    problem: str


@dataclass(frozen=True)
class Shown:
    """One delivery on the page."""

    delivery: Delivery
    network: str
    standing: Standing
    problem: str
    when: Sequence[tuple[str, str]]
    link: str
    # How many readers came by it.
    arrivals: int
    wish: PostWish | None
    refused: PostWish | None
    notice: Notice | None
    numbers: Observed | None
    lines: Sequence[LedgerLine]
    left_out: int
    buttons: Sequence[Button]
    # Of what is shown: a page that shows the same needs nothing replaced.
    version: str

    @property
    def page_changed(self) -> str:
        """Return in words when its page last changed what it says; empty where nobody has to know."""
        return in_words(self.notice.changed_at) if self.notice is not None else ""

    @property
    def problem_label(self) -> str:
        """Return what its problem is: only what was tried has something that came back."""
        match _S(self.delivery.state):
            case _S.CANCELLED:
                return "Why"
            case _S.DRAFT if self.delivery.problem == installation.HELD_BACK:
                return "Held back"
            case _S.DRAFT:
                return "Mend it first"
        return "What came back last"

    @property
    def page_is_gone(self) -> bool:
        """Tell whether readers of the post are led to a page that is gone."""
        return self.notice is not None and self.notice.why is Why.PAGE_GONE


class PostMixin:
    """Find the post of an address, among those that the user may see."""

    request: HttpRequest
    kwargs: dict[str, Any]

    @cached_property
    def post_shown(self) -> SocialPost:
        """Return the post with everything that its page shows; raises Http404."""
        wishes = Prefetch("wishes", PostWish.objects.order_by("pk"))
        deliveries = (
            Delivery.objects.with_newest_lines(MOST_LINES)
            .select_related("account", "post", "watch")
            .defer("prepared")
            .order_by("pk")
            .prefetch_related(wishes, "numbers")
        )
        posts = visible_posts(self.request.user).select_related(
            "target", "created_by", "approved_by"
        )
        found = posts.prefetch_related(Prefetch("deliveries", deliveries)).filter(
            pk=self.kwargs["pk"]
        )
        if not found:
            raise Http404("No such post")
        return found[0]


class PostPage(PostMixin, WagtailAdminTemplateMixin, TemplateView):
    """One post with its deliveries and their ledgers."""

    page_title = "Post"
    header_icon = "openquote"
    template_name = "sharing/admin/post.html"

    def get_page_subtitle(self) -> str:
        """Return what it is about."""
        return self.post_shown.target.label

    def get_breadcrumbs_items(self) -> list[dict[str, Any]]:
        """Return the way here."""
        return [
            *self.breadcrumbs_items,
            {"url": reverse("posts"), "label": "Posts"},
            {"url": "", "label": Truncator(self.get_page_subtitle()).chars(60)},
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the post and its deliveries, in a constant number of queries."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        # Read once, not at every look of the script: it draws the whole page.
        waits = any(each.state in drafting.OPEN for each in self.post_shown.deliveries.all())
        return (
            context
            | context_of(self.post_shown, self.request)
            | {"card_problems": card_problems(self.post_shown.target) if waits else []}
        )


class PostStanding(PostMixin, TemplateView):
    """The part of a post's page that changes by itself, as a fragment for the page's script."""

    template_name = "sharing/admin/post_standing.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the post and its deliveries."""
        return super().get_context_data(**kwargs) | context_of(self.post_shown, self.request)


def context_of(post: SocialPost, request: HttpRequest) -> dict[str, Any]:
    """Return what the page and its fragment show of a post."""
    now = timezone.now()
    shared = shareables([post.target], request)
    deliveries = list(post.deliveries.all())
    told = notices(deliveries, shared)
    approves = may_approve(request.user, post.target)
    arrivals = arrivals_of(each.link_code for each in deliveries)
    shown = [
        _shown(
            each,
            told.get(each.pk),
            arrivals.get(each.link_code, 0),
            approves=approves,
            now=now,
        )
        for each in deliveries
    ]
    # What asks for a person comes first.
    shown.sort(key=lambda each: (not each.standing.needs_person, each.standing.key != "gone"))
    target = shared[post.target_id]
    buttons = _post_buttons(post, deliveries, approves=approves)
    return {
        "post": post,
        "title": target.title,
        "kind": kind_of(target),
        "page_url": target.url,
        "page_edit_url": (
            "" if target.state is State.GONE and not target.article_url else edit_url(post.target)
        ),
        "when": post_when(post),
        "approved_at": in_words(post.approved_at),
        "zone": site_zone().key,
        "created_at": in_words(post.created_at),
        "shown": shown,
        "buttons": buttons,
        "head_version": _version(post.approved_at, post_when(post), buttons, target.title),
        "is_under_way": any(_is_under_way(each.delivery, each.wish, now) for each in shown),
    }


def _is_under_way(delivery: Delivery, wish: PostWish | None, now: datetime) -> bool:
    """Tell whether something may change within the next minute, without anybody's doing."""
    soon = delivery.not_before is not None and delivery.not_before <= now + _SOON
    waits = delivery.state in {_S.APPROVED, _S.UNKNOWN} and soon
    return delivery.state in HELD or waits or wish is not None


def _shown(
    delivery: Delivery, notice: Notice | None, arrivals: int, *, approves: bool, now: datetime
) -> Shown:
    wishes = list(delivery.wishes.all())
    open_wish = next((each for each in wishes if each.ended_at is None), None)
    last = wishes[-1] if wishes else None
    refused = last if last is not None and last.end == PostWish.End.REFUSED else None
    # What `with_newest_lines` has added.
    added: Any = delivery
    attempts: list[DeliveryAttempt] = added.newest_lines[::-1]
    left_out: int = added.line_count - len(attempts)
    stands = standing(delivery, now, open_wish)
    lines = [_line(each, now) for each in attempts]
    buttons = _buttons(delivery, open_wish, notice, approves=approves)
    numbers = _observed(delivery, now)
    problem = _problem(delivery, stands, attempts)
    seen = (stands, [(line.began, line.came_back, line.led_to) for line in lines], delivery.text,
            delivery.permalink, buttons, problem, notice, refused and refused.pk,
            numbers and numbers.words, arrivals)  # fmt: skip
    return Shown(
        delivery=delivery,
        network=network_name(delivery.account.network),
        standing=stands,
        problem=problem,
        when=_when(delivery),
        link=post_address(delivery.link_code),
        arrivals=arrivals,
        wish=open_wish,
        refused=refused,
        notice=notice,
        numbers=numbers,
        lines=lines,
        left_out=left_out,
        buttons=buttons,
        version=_version(*seen),
    )


def _problem(delivery: Delivery, stands: Standing, attempts: Sequence[DeliveryAttempt]) -> str:
    """Return what came back last, unless how it stands says that already."""
    problem = delivery.problem
    can = abilities(delivery.account.network)
    if delivery.state == _S.UNKNOWN and can is not None and can.repeat is Repeat.NEVER:
        # Nothing can be looked for there: what it said when the post was sent tells more.
        sent = (each.words for each in reversed(attempts) if each.kind == _PUBLISH)
        problem = next(sent, problem)
    return "" if problem in stands.sentence else problem


def _version(*shown: Any) -> str:
    """Return a short text that is another one once anything of what is shown is."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:12]


def _when(delivery: Delivery) -> list[tuple[str, str]]:
    zone = zone_of(delivery.post)
    moments = [("Planned for", in_words(delivery.due_at, zone))]
    if delivery.state in {_S.APPROVED, _S.UNKNOWN} and delivery.not_before != delivery.due_at:
        label = "Looked for next" if delivery.state == _S.UNKNOWN else "Tried next"
        moments.append((label, in_words(delivery.not_before, zone)))
    moments.append(("Published", in_words(delivery.published_at, zone)))
    return [(name, moment) for name, moment in moments if moment]


_ASKED = {
    DeliveryAttempt.Kind.PREPARE: "Made ready for {name}: text checked, pictures uploaded",
    DeliveryAttempt.Kind.PUBLISH: "Sent to {name}",
    DeliveryAttempt.Kind.LOOK_UP: "Looked for on {name}",
    DeliveryAttempt.Kind.PERSON: "A person decided",
    DeliveryAttempt.Kind.REMOVE: "{name} was asked to delete it",
    DeliveryAttempt.Kind.CORRECT: "{name} was asked to change its text",
}


def _line(attempt: DeliveryAttempt, now: datetime) -> LedgerLine:
    name = network_name(attempt.delivery.account.network)
    kind = DeliveryAttempt.Kind(attempt.kind)
    if attempt.ended_at is None:
        seconds = int((now - attempt.began_at).total_seconds())
        took = f"for {max(seconds, 0):,} s so far"
    elif kind is DeliveryAttempt.Kind.PERSON:
        took = ""
    else:
        took = _took(attempt.ended_at - attempt.began_at)
    return LedgerLine(
        began_at=attempt.began_at,
        began=date_format(attempt.began_at.astimezone(site_zone()), "j F Y, H:i:s"),
        took=took,
        asked=_ASKED[kind].format(name=name),
        came_back=_came_back(attempt, name),
        led_to=DeliveryState(attempt.led_to).label if attempt.led_to else "",
    )


def _came_back(attempt: DeliveryAttempt, name: str) -> str:
    if not attempt.ended_at:
        return attempt.words or "Waiting for the answer."
    took = attempt.kind == DeliveryAttempt.Kind.PUBLISH and attempt.led_to == _S.PUBLISHED
    # A network's own words are a status alone here.
    return f"{name} took it ({attempt.words})." if took else attempt.words


def _took(span: timedelta) -> str:
    seconds = max(span.total_seconds(), 0)
    if seconds < 0.05:
        return ""
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def _observed(delivery: Delivery, now: datetime) -> Observed | None:
    if delivery.state not in {_S.PUBLISHED, _S.WITHDRAWN}:
        return None
    network = delivery.account.network
    can = abilities(network)
    if can is not None and not can.numbers:
        return Observed(f"{network_name(network)} tells programs no numbers.", "", "")
    watch: PostWatch | None = getattr(delivery, "watch", None)
    problem = watch.problem if watch is not None else ""
    if found := numbers_of(delivery.numbers.all(), now):
        return Observed(found.words, found.told, problem)
    if delivery.state == _S.WITHDRAWN:
        return None
    waits = delivery.published_at and wait_for(now - delivery.published_at)
    words = "No numbers were ever told."
    if waits:
        minutes = int(FIRST_LOOK.total_seconds() // 60)
        words = f"No numbers were told yet. The first look is {minutes} minutes after publishing."
    return Observed(words, "", problem)


def _post_buttons(
    post: SocialPost, deliveries: Sequence[Delivery], *, approves: bool
) -> list[Button]:
    states = {DeliveryState(each.state) for each in deliveries}
    found = []
    if _S.DRAFT in states and approves:
        found.append(
            Button(
                "Approve",
                reverse("post_approve", args=[post.pk]),
                at_once=True,
                main=True,
                seen=post.changed_at.isoformat(),
            )
        )
    if states & {_S.DRAFT, _S.APPROVED} and (approves or _S.APPROVED not in states):
        found.append(Button("Reschedule…", reverse("post_reschedule", args=[post.pk])))
    if _S.APPROVED in states and approves:
        found.append(
            Button(
                "Make it a draft again",
                reverse("post_withdraw_approval", args=[post.pk]),
                at_once=True,
            )
        )
    if states <= {_S.DRAFT, _S.APPROVED}:
        found.append(Button("Edit", reverse("post_edit", args=[post.pk])))
    return found


def _buttons(
    delivery: Delivery, wish: PostWish | None, notice: Notice | None, *, approves: bool
) -> list[Button]:
    """Return what can be done with a delivery as it is; whoever sees it may edit its page."""

    def to(name: str) -> str:
        return reverse(name, args=[delivery.pk])

    match _S(delivery.state):
        case _S.DRAFT | _S.APPROVED:
            return [Button("Cancel…", to("delivery_cancel"), grave=True)]
        case _S.UNKNOWN:
            found = [Button("It is there…", to("delivery_it_is_there"))]
            if approves:
                found.append(Button("Send again…", to("delivery_send_again"), grave=True))
            return [*found, Button("Give it up…", to("delivery_cancel"), grave=True)]
        case _S.FAILED:
            found = (
                [Button("Try again", to("delivery_try_again"), at_once=True)] if approves else []
            )
            return [*found, Button("Cancel…", to("delivery_cancel"), grave=True)]
        case _S.PUBLISHED if wish is not None:
            return (
                [Button("Leave it there", to("delivery_leave"), at_once=True)] if approves else []
            )
        case _S.PUBLISHED if delivery.account.state != SocialAccount.State.DISCONNECTED:
            return _published_buttons(delivery, notice, approves=approves)
    return []


def _published_buttons(
    delivery: Delivery, notice: Notice | None, *, approves: bool
) -> list[Button]:
    can = abilities(delivery.account.network)
    found = []
    if notice is not None and notice.why is Why.PAGE_CHANGED:
        url = reverse("delivery_still_right", args=[delivery.pk])
        found.append(Button("It is still right", url, at_once=True))
    if can is not None and can.edits and approves:
        found.append(Button("Correct there…", reverse("delivery_correct", args=[delivery.pk])))
    if can is not None and can.deletes and approves:
        url = reverse("delivery_delete", args=[delivery.pk])
        found.append(Button("Delete there…", url, grave=True))
    return found
