"""Reading the numbers of our own posts back: often while they are young, ever more rarely until they are old.

A network that does not answer changes no number. What it told last stays, with its age.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import Q

from sharing import counting
from sharing.channels import POST_PREFIX
from sharing.counting import Group
from sharing.models import ShareClass
from sharing.networks.posting.contract import Numbers
from sharing.posting import afterwards, recording
from sharing.posting.accounts import AccountRow
from sharing.posting.after_models import PostNumber, PostWatch
from sharing.posting.afterwards import NotTold, Told
from sharing.posting.claims import LEASE, clock
from sharing.posting.models import Delivery, SocialAccount
from sharing.posting.outcomes import AccessLost, Later
from sharing.posting.states import DeliveryState

logger = logging.getLogger(__name__)

# A post so old is asked for this often; older than the last, never again.
_OFTEN = (
    (timedelta(hours=6), timedelta(minutes=10)),
    (timedelta(days=1), timedelta(minutes=30)),
    (timedelta(days=3), timedelta(hours=2)),
    (timedelta(days=7), timedelta(hours=6)),
    (timedelta(days=30), timedelta(days=1)),
)
# After a post is published.
FIRST_LOOK = _OFTEN[0][1]
LONGEST = _OFTEN[-1][0]
# After failures in a row the waits double, up to this.
_LONGEST_WAIT = timedelta(days=1)
# So many posts are taken into the watch at once.
_NEW_AT_ONCE = 500
# What is left of the network's allowance is the posts', not the numbers'.
_LEFT_FOR_POSTS = 10
# Somebody else's post that carries ours on. Likes and replies carry it nowhere.
_SHARES = (PostNumber.Name.REPOSTS, PostNumber.Name.QUOTES)
GONE = "The network no longer shows this post."


class Observer(Protocol):
    """Speaks with the networks (sharing/posting/afterwards.py)."""

    def observe(self, account_id: int, row: AccountRow, ids: Sequence[str]) -> Told | NotTold:
        """Return what the network tells of an account's posts."""
        ...


@dataclass(frozen=True)
class Look:
    """Posts of one account whose numbers this worker alone may write, with their fences."""

    account_id: int
    account: AccountRow
    # By the delivery's id.
    fences: dict[int, int]
    remote_ids: dict[int, str]


def observe_due(observer: Observer, *, seconds: float) -> int:
    """Read the numbers that are due; return of how many posts. Nothing new is begun after so many seconds."""
    ends = time.monotonic() + seconds
    watch_new()
    number = 0
    while time.monotonic() < ends and (look := take()) is not None:
        told = _ask(observer, look)
        number += record(look, told)
    return number


def wait_for(age: timedelta) -> timedelta | None:
    """Return how long the numbers of a post of this age may be old; None where they are read no more."""
    return next((wait for until, wait in _OFTEN if age < until), None)


def is_gone(delivery: Delivery) -> bool:
    """Tell whether the network did not show a published post any more at the last look that it answered."""
    watch: PostWatch | None = getattr(delivery, "watch", None)
    return watch is not None and watch.problem == GONE


def watch_new() -> int:
    """Take published posts that nobody watches yet into the watch; return how many."""
    now = clock()
    new = Delivery.objects.filter(
        state=DeliveryState.PUBLISHED,
        published_at__gt=now - LONGEST,
        watch=None,
        account__network__in=afterwards.networks_with_numbers(),
    ).values_list("pk", "published_at")[:_NEW_AT_ONCE]
    rows = [
        PostWatch(delivery_id=pk, due_at=(published_at or now) + FIRST_LOOK)
        for pk, published_at in new
    ]
    # Another worker may see the same ones.
    PostWatch.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def take() -> Look | None:
    """Claim due posts of the account whose numbers are the longest due; None where nothing is due."""
    now = clock()
    due = (
        PostWatch.objects.select_related("delivery__account")
        .filter(
            Q(lease_until=None) | Q(lease_until__lt=now),
            Q(delivery__account__silent_until=None) | Q(delivery__account__silent_until__lte=now),
            Q(delivery__account__budget=None)
            | Q(delivery__account__budget__gte=_LEFT_FOR_POSTS)
            | Q(delivery__account__budget_until__lte=now),
            due_at__lte=now,
            delivery__account__state=SocialAccount.State.ACTIVE,
        )
        .order_by("due_at", "pk")
        .select_for_update(of=("self",), skip_locked=True)
    )
    first = due.first()
    if first is None:
        return None
    account = first.delivery.account
    can = afterwards.abilities(account.network)
    watches = [first]
    if can is not None and can.counted_at_once > 1:
        watches = list(due.filter(delivery__account=account)[: can.counted_at_once])
    fences = {}
    for watch in watches:
        watch.fence += 1
        watch.lease_until = now + LEASE
        fences[watch.pk] = watch.fence
    PostWatch.objects.bulk_update(watches, ["fence", "lease_until"])
    return Look(
        account_id=account.pk,
        account=AccountRow.of(account),
        fences=fences,
        remote_ids={watch.pk: watch.delivery.remote_id for watch in watches},
    )


def _ask(observer: Observer, look: Look) -> Told | NotTold:
    try:
        return observer.observe(look.account_id, look.account, list(look.remote_ids.values()))
    except Exception:
        logger.exception("reading numbers of posts failed in our own code")
        return NotTold(Later("A fault on our side broke this off. It is logged."), own=False)


@transaction.atomic
def record(look: Look, told: Told | NotTold) -> int:
    """Write down what was told, and when to ask again; return of how many posts there is a number now."""
    if isinstance(told, Told):
        # First of all: what is told becomes counts, and one transaction counts at a time.
        counting.take_turns()
    now = clock()
    watches = {
        watch.pk: watch
        for watch in PostWatch.objects.select_related("delivery").filter(pk__in=look.fences)
        if watch.fence == look.fences[watch.pk]
    }
    numbers = {each.id: each for each in told.numbers} if isinstance(told, Told) else {}
    is_told_there = look.account.network in afterwards.networks_with_numbers()
    written: dict[int, Numbers] = {}
    for pk, watch in watches.items():
        found = numbers.get(look.remote_ids[pk])
        if found is not None:
            written[pk] = found
        if is_told_there:
            _ask_again(watch, told, found, now)
        else:
            _leave_alone(watch)
    PostWatch.objects.bulk_update(
        watches.values(), ["due_at", "lease_until", "failures", "problem"]
    )
    if isinstance(told, Told):
        _write({pk: watches[pk].delivery for pk in written}, written, told.source, now)
    elif told.own or isinstance(told.outcome, AccessLost):
        recording.tell_account(look.account_id, [told.outcome], now)
    return len(written)


def _ask_again(
    watch: PostWatch, told: Told | NotTold, found: Numbers | None, now: datetime
) -> None:
    """Plan the next look at one post."""
    published_at = watch.delivery.published_at or now
    usual = wait_for(now - published_at)
    is_over = watch.delivery.state != DeliveryState.PUBLISHED
    if found is not None:
        watch.failures, watch.problem = 0, ""
    else:
        watch.failures += 1
        if isinstance(told, Told):
            watch.problem = GONE
        elif watch.problem != GONE:
            # Silence after that does not bring the post back.
            watch.problem = told.outcome.words[:500]
    watch.lease_until = None
    if usual is None or is_over:
        watch.due_at = None
        return
    wait = min(max(usual, FIRST_LOOK * 2 ** min(watch.failures, 10)), _LONGEST_WAIT)
    told_when = getattr(told.outcome, "until", None) if isinstance(told, NotTold) else None
    watch.due_at = max(now + (wait if watch.failures else usual), told_when or now)


def _leave_alone(watch: PostWatch) -> None:
    """Never look again at a post of a network that tells no numbers: it is not gone for that."""
    watch.lease_until = watch.due_at = None
    watch.failures, watch.problem = 0, ""


def _write(
    deliveries: dict[int, Delivery], told: dict[int, Numbers], source: str, now: datetime
) -> None:
    """Keep what was told, and count what is new of it as *observed*."""
    known = {
        (row.delivery_id, row.name): row.counted
        for row in PostNumber.objects.filter(delivery_id__in=told)
    }
    rows: list[PostNumber] = []
    groups: list[Group] = []
    for pk, numbers in sorted(told.items()):
        more = 0
        for name in PostNumber.Name:
            value: int | None = getattr(numbers, name.value)
            # A number that was not given is none, and never 0.
            if value is None:
                continue
            counted = known.get((pk, name.value), 0)
            if name in _SHARES and value > counted:
                # What is taken back later was shared all the same: counts of events never fall.
                more += value - counted
                counted = value
            rows.append(
                PostNumber(
                    delivery_id=pk, name=name, value=value, as_of=numbers.as_of,
                    source=source[:253], counted=counted,
                )
            )  # fmt: skip
        if more:
            groups.append(_group(deliveries[pk], more, now))
    PostNumber.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["delivery", "name"],
        update_fields=["value", "as_of", "source", "counted"],
    )
    counting.add_to_counts(groups)


def _group(delivery: Delivery, number: int, now: datetime) -> Group:
    moment = now.astimezone(UTC)
    return Group(
        target_id=delivery.target_id,
        hour=moment.replace(minute=0, second=0, microsecond=0),
        channel=f"{POST_PREFIX}{delivery.link_code}",
        share_class=ShareClass.OBSERVED.value,
        day=moment.date(),
        number=number,
    )
