"""All that editors and pages do with posts; each in one transaction, which may be the page's own."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Max

from sharing.models import CODE_ALPHABET, ShareTarget
from sharing.posting import scheduling
from sharing.posting.claims import clock
from sharing.posting.models import (
    POST_CODE_LENGTH,
    Delivery,
    DeliveryAttempt,
    SocialAccount,
    SocialPost,
)
from sharing.posting.states import HELD, DeliveryState, may_follow
from sharing.posting.waking import wake_sender

_S = DeliveryState


class NotNow(Exception):
    """Say in a sentence why this cannot be done with the post as it is now."""


class AlreadyPosted(NotNow):
    """Say that this account has, or will have, this very post."""


@dataclass(frozen=True)
class Wording:
    """What one account is to say. `link_code` is the last part of the short link in the text."""

    account_id: int
    text: str
    link_code: str
    language: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Timing:
    """When a post is to go out: `local_time` (“2027-03-28T02:30”) in a zone for a time of one's own."""

    when: SocialPost.When
    local_time: str = ""
    time_zone: str = ""

    def moment(self, now: datetime) -> datetime | None:
        """Return when it is due; None where the page decides. Raises scheduling.Unusable."""
        if self.when is SocialPost.When.NOW:
            return now
        if self.when is SocialPost.When.AT_PUBLISH:
            return None
        return scheduling.moment(scheduling.parse(self.local_time), self.time_zone)


def new_link_code() -> str:
    """Return a random last part of a delivery's short link."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(POST_CODE_LENGTH))


@transaction.atomic
def compose(
    *,
    target: ShareTarget,
    wordings: Iterable[Wording],
    timing: Timing,
    by: Any,
    approved: bool,
    purpose: SocialPost.Purpose = SocialPost.Purpose.POST,
    form_key: UUID | None = None,
) -> SocialPost:
    """Write a post and a delivery for each account; raises AlreadyPosted, NotNow, scheduling.Unusable.

    Unless it is approved, a publisher must do so before anything goes out.
    """
    now = clock()
    wordings = list(wordings)
    if not wordings:
        raise NotNow("Choose at least one account.")
    accounts = SocialAccount.objects.in_bulk([each.account_id for each in wordings])
    gone = [w for w in wordings if _is_gone(accounts.get(w.account_id))]
    if gone:
        raise NotNow("One of the accounts is disconnected by now. Choose again.")
    post = SocialPost.objects.create(
        target=target,
        purpose=purpose,
        when=timing.when,
        local_time=timing.local_time,
        time_zone=timing.time_zone,
        created_by=by,
        approved_by=by if approved else None,
        approved_at=now if approved else None,
        form_key=form_key,
    )
    due = timing.moment(now)
    try:
        with transaction.atomic():
            Delivery.objects.bulk_create(
                Delivery(
                    post=post,
                    account=accounts[each.account_id],
                    target=target,
                    purpose=purpose,
                    revision=next_revision(target, each.account_id, purpose),
                    text=each.text,
                    language=each.language,
                    options=dict(each.options),
                    link_code=each.link_code,
                    state=_S.APPROVED if approved else _S.DRAFT,
                    due_at=due,
                    not_before=due,
                    changed_at=now,
                )
                for each in wordings
            )
    except IntegrityError as error:
        raise AlreadyPosted(
            "One of these accounts has this post already. “Post again” makes another."
        ) from error
    if approved and due == now:
        wake_sender()
    return post


@transaction.atomic
def approve(*, post: SocialPost, by: Any) -> int:
    """Let a draft go out as it is planned; return how many deliveries that is."""
    now = clock()
    timing = Timing(SocialPost.When(post.when), post.local_time, post.time_zone)
    due = timing.moment(now)
    drafts = post.deliveries.filter(state=_S.DRAFT)
    if due is None and drafts.filter(due_at__isnull=False).exists():
        # Its page was published when it had been approved before: no other publication need come.
        due = now
    moved = drafts.update(
        state=_S.APPROVED, due_at=due, not_before=due, tries=0, problem="", changed_at=now
    )
    if moved:
        SocialPost.objects.filter(pk=post.pk).update(approved_by=by, approved_at=now)
        if due is not None and due <= now:
            wake_sender()
    return moved


@transaction.atomic
def withdraw_approval(*, post: SocialPost, by: Any) -> int:
    """Make what has not begun a draft again; return how many deliveries that is."""
    now = clock()
    moved = 0
    # In the order of whoever approves or changes it: the post, then its deliveries.
    SocialPost.objects.select_for_update().get(pk=post.pk)
    for delivery in post.deliveries.select_for_update().filter(state=_S.APPROVED):
        moved += _decide(delivery, _S.DRAFT, f"Approval withdrawn by {by}.", now, not_before=None)
    if moved:
        SocialPost.objects.filter(pk=post.pk).update(
            approved_by=None,
            approved_at=None,
            # Whoever looked at it before that approves it no more.
            changed_at=now,
        )
    return moved


@transaction.atomic
def cancel(*, delivery: Delivery, why: str) -> None:
    """Give a delivery up; raises NotNow where it is on its way or over."""
    _decide_or_refuse(delivery, _S.CANCELLED, why, not_before=None)


@transaction.atomic
def cancel_waiting(
    *, target_ids: Iterable[int] = (), account_id: int | None = None, why: str
) -> int:
    """Give up what waits for pages that are gone, or for an account that is; return how many.

    In the transaction that unpublishes, deletes or disconnects. What a worker prepares at that moment it can
    arm no more: its fence is an older one.
    """
    waiting = Delivery.objects.filter(state__in=[_S.DRAFT, _S.APPROVED, _S.PREPARING])
    waiting = (
        waiting.filter(account_id=account_id)
        if account_id is not None
        else waiting.filter(target_id__in=list(target_ids))
    )
    now = clock()
    return sum(
        _decide(each, _S.CANCELLED, why, now, not_before=None)
        for each in waiting.select_for_update()
    )


@transaction.atomic
def published(*, target_ids: Iterable[int]) -> int:
    """Let go out what waits for the publication of these targets; in that transaction."""
    now = clock()
    return Delivery.objects.filter(
        target_id__in=list(target_ids),
        state=_S.APPROVED,
        not_before=None,
        post__when=SocialPost.When.AT_PUBLISH,
    ).update(due_at=now, not_before=now, changed_at=now)


@transaction.atomic
def reschedule(*, post: SocialPost, timing: Timing) -> None:
    """Give what has not begun another time; raises NotNow, scheduling.Unusable."""
    now = clock()
    due = timing.moment(now)
    moved = post.deliveries.filter(state__in=[_S.DRAFT, _S.APPROVED]).update(
        due_at=due, not_before=due, tries=0, changed_at=now
    )
    if not moved:
        raise NotNow("This post is on its way, or over: nothing is left to reschedule.")
    SocialPost.objects.filter(pk=post.pk).update(
        when=timing.when,
        local_time=timing.local_time,
        time_zone=timing.time_zone,
        changed_at=now,
    )
    if due is not None and due <= now:
        wake_sender()


@transaction.atomic
def recompute_times() -> int:
    """Compute anew when what is planned by a wall clock is due: zones' rules change. Return how many moved."""
    moved, now = 0, clock()
    planned = SocialPost.objects.filter(
        when=SocialPost.When.AT_TIME, deliveries__state__in=[_S.DRAFT, _S.APPROVED]
    ).distinct()
    for post in planned:
        due = Timing(SocialPost.When.AT_TIME, post.local_time, post.time_zone).moment(now)
        moved += (
            post.deliveries.filter(state__in=[_S.DRAFT, _S.APPROVED], tries=0)
            .exclude(due_at=due)
            .update(due_at=due, not_before=due, changed_at=now)
        )
    return moved


@transaction.atomic
def try_again(*, delivery: Delivery, by: Any) -> None:
    """Send what the network refused once more; raises NotNow."""
    if DeliveryState(delivery.state) is not _S.FAILED:
        raise NotNow("Only what failed can be tried again.")
    words = f"Tried again by {by}."
    _decide_or_refuse(delivery, _S.APPROVED, words, only=_S.FAILED, not_before=clock())
    wake_sender()


@transaction.atomic
def it_is_there(*, delivery: Delivery, remote_id: str, permalink: str, by: Any) -> None:
    """Believe a person who saw the post on the network; raises NotNow."""
    if DeliveryState(delivery.state) is not _S.UNKNOWN:
        raise NotNow("Nobody asks: what came of this post is known by now.")
    now = clock()
    others = Delivery.objects.filter(account_id=delivery.account_id, remote_id=remote_id)
    if others.exclude(pk=delivery.pk).exists():
        raise NotNow("That is another post of this account, which is known already.")
    _decide_or_refuse(
        delivery,
        _S.PUBLISHED,
        f"{by} says it is there.",
        only=_S.UNKNOWN,
        not_before=None,
        remote_id=remote_id,
        permalink=permalink,
        published_at=now,
    )


@transaction.atomic
def send_again(*, delivery: Delivery, by: Any) -> None:
    """Send once more what a person did not find on the network; raises NotNow."""
    if DeliveryState(delivery.state) is not _S.UNKNOWN:
        raise NotNow("Nobody asks: what came of this post is known by now.")
    words = f"Sent again by {by}."
    _decide_or_refuse(delivery, _S.APPROVED, words, only=_S.UNKNOWN, not_before=clock())
    wake_sender()


def _decide_or_refuse(
    delivery: Delivery,
    after: DeliveryState,
    words: str,
    *,
    only: DeliveryState | None = None,
    **values: Any,
) -> None:
    """Move a delivery that is, now that it is locked, `only` in this state; raises NotNow."""
    delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
    is_another = only is not None and only is not DeliveryState(delivery.state)
    if is_another or not _decide(delivery, after, words, clock(), **values):
        label = DeliveryState(delivery.state).label.lower()
        raise NotNow(f"This post is {label} by now. Look at it again.")


def _decide(
    delivery: Delivery, after: DeliveryState, words: str, now: datetime, **values: Any
) -> int:
    """Move a delivery that no worker holds, and write down who wanted it; return 1 where it was moved."""
    before = DeliveryState(delivery.state)
    # What a worker holds goes back to nobody but that worker: it may be on its way.
    is_held = before in HELD and after is not _S.CANCELLED
    if is_held or not may_follow(before, after):
        return 0
    if after is _S.APPROVED:
        # Whoever sends it once more wants it tried as long as the first time.
        values["tries"] = 0
        # What workers ended over is kept apart from the others all the same.
        values["abandoned"] = min(delivery.abandoned, 1)
    moved = Delivery.objects.filter(pk=delivery.pk, state=before, fence=delivery.fence).update(
        state=after,
        # Whoever looks for an unknown one at this moment writes nothing any more.
        fence=F("fence") + 1,
        lease_until=None,
        problem="" if after is not _S.CANCELLED else words[:500],
        changed_at=now,
        **values,
    )
    if moved:
        DeliveryAttempt.objects.create(
            delivery=delivery,
            kind=DeliveryAttempt.Kind.PERSON,
            began_at=now,
            ended_at=now,
            led_to=after,
            words=words[:500],
        )
    return moved


def next_revision(target: ShareTarget, account_id: int, purpose: SocialPost.Purpose) -> int:
    """Return the number of an account's next own text about a target."""
    if purpose is SocialPost.Purpose.FIRST_PUBLISH:
        return 0
    newest = Delivery.objects.filter(
        account_id=account_id, target=target, purpose=purpose
    ).aggregate(newest=Max("revision"))["newest"]
    return (newest or 0) + 1


def _is_gone(account: SocialAccount | None) -> bool:
    return account is None or account.state == SocialAccount.State.DISCONNECTED
