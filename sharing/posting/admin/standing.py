"""How a delivery stands, and what that asks of a person: the same words wherever editors see it."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format

from sharing.networks.posting import network_name
from sharing.networks.posting.contract import Repeat
from sharing.posting import scheduling
from sharing.posting.after_models import PostWish
from sharing.posting.afterwards import abilities
from sharing.posting.models import Delivery, SocialAccount, SocialPost
from sharing.posting.observing import is_gone
from sharing.posting.queries import is_overdue
from sharing.posting.states import DeliveryState

_S = DeliveryState


@dataclass(frozen=True)
class Standing:
    """A delivery's state in words.

    `key` is a state, or “overdue”, “retrying”, “at-publish”, “leaving”, “changing”, “gone”: the name of its colour.
    `sentence` says what happens next, and what a person is asked to do.
    """

    key: str
    label: str
    sentence: str
    needs_person: bool = False


def standing(delivery: Delivery, now: datetime, wish: PostWish | None = None) -> Standing:
    """Return how a delivery stands; `wish` is the open one, where there is one.

    Reads the delivery's account, post and watch.
    """
    name = network_name(delivery.account.network)
    match _S(delivery.state):
        case _S.DRAFT:
            return Standing("draft", "Draft", "It goes out once a publisher has approved it.")
        case _S.APPROVED:
            return _waiting(delivery, now)
        case _S.PREPARING | _S.ARMED:
            return Standing("sending", "Being sent", "This takes a few seconds.")
        case _S.PUBLISHED if wish is not None:
            return _wished(delivery, wish, name, now)
        case _S.PUBLISHED if is_gone(delivery):
            words = f"{name} no longer shows it: it was deleted or hidden there. Its ledger and its numbers stay here."
            return Standing("gone", "Published, gone there", words)
        case _S.PUBLISHED:
            return Standing("published", "Published", "")
        case _S.UNKNOWN:
            return Standing("unknown", "Unknown", _unknown(delivery, name), needs_person=True)
        case _S.FAILED:
            return Standing(
                "failed",
                "Failed",
                f"{name} certainly does not have it. Mend what it says below, then try again or cancel it.",
                needs_person=True,
            )
        case _S.CANCELLED if delivery.armed_at is not None:
            words = f"It was given up after it had been tried: it may be on {name} all the same."
            return Standing("cancelled", "Cancelled", words)
        case _S.CANCELLED:
            return Standing("cancelled", "Cancelled", "It was never sent.")
        case _S.WITHDRAWN:
            return Standing("withdrawn", "Withdrawn", f"It was deleted on {name}.")


def _unknown(delivery: Delivery, name: str) -> str:
    asked = f"Nobody knows whether {name} has this post. It is not sent again by itself, so that it is never there twice"
    can = abilities(delivery.account.network)
    if can is not None and can.repeat is Repeat.NEVER:
        return f"{asked}. {name} shows no program what is there: look yourself, and decide."
    return f"{asked}; the site looks for it. You can look on {name} yourself, and decide."


def _waiting(delivery: Delivery, now: datetime) -> Standing:
    account = delivery.account
    stopped = account_stops(account, now)
    if delivery.not_before is None and delivery.post.when == SocialPost.When.AT_PUBLISH:
        words = _planned("when its page is published", account, now, None)
        return Standing("at-publish", "When published", words)
    if is_overdue(delivery, now):
        again = (
            f" It is tried again {in_words(delivery.not_before)}."
            if delivery.not_before is not None and delivery.not_before > now and not stopped
            else ""
        )
        waits = stopped or again or " It goes out as soon as a worker of this site is free."
        return Standing(
            "overdue",
            "Overdue",
            f"It should have gone out {in_words(delivery.due_at)}.{waits}",
            # A network's own pause ends by itself.
            needs_person=account.state != SocialAccount.State.ACTIVE,
        )
    if delivery.not_before is not None and delivery.not_before <= now:
        if stopped:
            return Standing("approved", "Due", stopped.strip())
        return Standing("sending", "Due", "It goes out within seconds.")
    words = _planned("by itself", account, now, delivery.not_before)
    return Standing("approved", "Scheduled", words)


def _planned(how: str, account: SocialAccount, now: datetime, due: datetime | None) -> str:
    """Return what is to happen to a post whose time has not come: only what keeps it then keeps it."""
    match SocialAccount.State(account.state):
        case SocialAccount.State.PAUSED:
            return f"It goes out {how}, but not while the account {account.handle} is paused."
        case SocialAccount.State.EXPIRED:
            return f"It goes out {how}, but not before the account {account.handle} is connected again."
        case SocialAccount.State.DISCONNECTED:
            return account_stops(account, now).strip()
        case SocialAccount.State.ACTIVE:
            if due is not None and account.silent_until and account.silent_until > due:
                return account_stops(account, now).strip()
    return f"It goes out {how}."


def account_stops(account: SocialAccount, now: datetime) -> str:
    """Return a sentence, after a space, about what keeps anything from being asked of an account; else nothing."""
    handle = account.handle
    match SocialAccount.State(account.state):
        case SocialAccount.State.PAUSED:
            return f" It waits: the account {handle} is paused."
        case SocialAccount.State.EXPIRED:
            return f" It waits: the account {handle} must be connected again first."
        case SocialAccount.State.DISCONNECTED:
            return f" The account {handle} is disconnected: nothing can be done there any more."
        case SocialAccount.State.ACTIVE if account.silent_until and account.silent_until > now:
            name = network_name(account.network)
            why = f": {account.problem}" if account.problem else "."
            return f" It waits: {name} is left alone until {in_words(account.silent_until)}{why}"
    return ""


def _wished(delivery: Delivery, wish: PostWish, name: str, now: datetime) -> Standing:
    stopped = account_stops(delivery.account, now)
    why = f" The last try: {wish.problem}" if wish.problem else ""
    if wish.kind == PostWish.Kind.DELETE:
        return Standing("leaving", "Being deleted", f"It is being deleted on {name}.{why}{stopped}")
    return Standing(
        "changing", "Being corrected", f"{name} is being told the new text.{why}{stopped}"
    )


def in_words(moment: datetime | None, zone_name: str = "") -> str:
    """Return a moment in a time zone, the site's own without one: “26 November 2026, 14:03 (Europe/Zurich)”."""
    if moment is None:
        return ""
    try:
        there = scheduling.zone(zone_name) if zone_name else site_zone()
    except scheduling.Unusable:
        there = site_zone()
    return f"{date_format(moment.astimezone(there), 'j F Y, H:i')} ({there.key})"


def zone_of(post: SocialPost) -> str:
    """Return the name of the zone that a post was planned in; empty for the site's own."""
    return post.time_zone if post.when == SocialPost.When.AT_TIME else ""


def site_zone() -> ZoneInfo:
    """Return the site's time zone: posts are planned and shown in it, wherever somebody works."""
    return ZoneInfo(settings.TIME_ZONE)


def post_when(post: SocialPost) -> str:
    """Return in words when a post was meant to go out."""
    match SocialPost.When(post.when):
        case SocialPost.When.AT_TIME:
            try:
                local = datetime.strptime(post.local_time, "%Y-%m-%dT%H:%M")
            except ValueError:
                return post.local_time
            return f"{date_format(local, 'j F Y, H:i')} ({post.time_zone})"
        case SocialPost.When.AT_PUBLISH:
            return "When the page is published"
        case SocialPost.When.NOW:
            return "At once"
