"""What people do with a post that has not begun: writing it once, changing it, moving it, letting it go out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Max, Q

from sharing.models import ShareTarget
from sharing.posting import actions, installation, scheduling
from sharing.posting.actions import NotNow, Timing, Wording
from sharing.posting.claims import clock
from sharing.posting.models import Delivery, SocialAccount, SocialPost
from sharing.posting.states import DeliveryState
from sharing.posting.subjects import Standing, Subject, subject_of
from sharing.posting.waking import wake_sender

_S = DeliveryState
# What nobody has begun to send.
OPEN = (_S.DRAFT, _S.APPROVED)
# With one of these an account has, or will have, the post: another one is a second.
COUNTS_AS_POSTED = (*OPEN, _S.PREPARING, _S.ARMED, _S.UNKNOWN, _S.PUBLISHED)


NOBODY: Mapping[int, int] = MappingProxyType({})


def counts_as_posted(delivery: Delivery) -> bool:
    """Tell whether its account has the post, will have it, or may have it: given up, it may be there all the same."""
    was_given_up = delivery.state == _S.CANCELLED and delivery.armed_at is not None
    return was_given_up or delivery.state in COUNTS_AS_POSTED


def posted_about(target: ShareTarget, account_ids: Collection[int]) -> dict[int, int]:
    """Return which of these accounts have a post about a target that counts as posted: the newest, by account."""
    rows = (
        Delivery.objects.filter(
            Q(state__in=COUNTS_AS_POSTED) | Q(state=_S.CANCELLED, armed_at__isnull=False),
            target=target,
            account_id__in=account_ids,
        )
        .order_by()
        .values_list("account_id")
        .annotate(newest=Max("pk"))
    )
    return dict(rows)


class PostedAlready(NotNow):
    """Say that some accounts have a post about this, and nobody who knew of it asked for another."""

    def __init__(self, account_ids: Collection[int], *, meanwhile: bool = False) -> None:
        self.account_ids = frozenset(account_ids)
        super().__init__(
            "This was posted meanwhile. Look at it, and tick “Post again” once more to make another."
            if meanwhile
            else "There is a post about this already. Tick “Post again” to make another."
        )


@dataclass(frozen=True)
class WrongTime:
    """Why a post cannot go out at a time, in a sentence, and the field of a form where that is mended."""

    field: str
    sentence: str


class NotThen(NotNow):
    """Say why a post cannot go out at the time that it has, or is to have."""

    def __init__(self, wrong: WrongTime) -> None:
        self.field = wrong.field
        super().__init__(wrong.sentence)


class Unseen(NotNow):
    """Say that the post is no longer what its publisher looked at."""

    def __init__(self) -> None:
        super().__init__("The post was changed since you opened it. Look at it again, below.")


class MendFirst(NotNow):
    """Say what keeps a draft from being sent as it is."""


class ChangedMeanwhile(NotNow):
    """Say that somebody else changed the post since the form was opened."""

    def __init__(self) -> None:
        super().__init__(
            "Somebody changed this post while you were writing. Yours is still below: look at both, and save "
            "again to keep yours."
        )


@dataclass(frozen=True)
class Written:
    """A post, and whether this very form made it just now or before."""

    post: SocialPost
    is_new: bool


def write(
    *,
    target: ShareTarget,
    wordings: Sequence[Wording],
    timing: Timing,
    by: Any,
    approved: bool,
    form_key: UUID,
    again: Mapping[int, int] = NOBODY,
) -> Written:
    """Make a post, once for each form; raises PostedAlready, NotNow, scheduling.Unusable.

    `again` are the accounts for which a second post about the same is meant, each with the newest one that was
    known to whoever meant it (the delivery's id): a newer one is asked about again.
    """
    with transaction.atomic():
        # Two who write about the same at once stand in line here, so that the second one is asked. It does not
        # keep shares of the target from being counted.
        ShareTarget.objects.select_for_update(no_key=True).get(pk=target.pk)
        before = SocialPost.objects.filter(form_key=form_key, target=target).first()
        if before is not None:
            return Written(before, is_new=False)
        _refuse_unasked(target, {each.account_id for each in wordings}, again)
        post = actions.compose(
            target=target,
            wordings=wordings,
            timing=timing,
            by=by,
            approved=approved,
            form_key=form_key,
        )
    return Written(post, is_new=True)


@transaction.atomic
def revise(
    *,
    post: SocialPost,
    wordings: Sequence[Wording],
    timing: Timing,
    by: Any,
    approved: bool,
    form_key: UUID,
    seen: datetime | None,
    again: Mapping[int, int] = NOBODY,
) -> None:
    """Change a post that has not begun: its texts, accounts, time and approval.

    An account that is left out is cancelled, a new one is added. `seen` is the state of the post that the form
    was opened with; `again` as in `write`. Raises ChangedMeanwhile, PostedAlready, NotNow, scheduling.Unusable; then nothing changed.
    """
    now = clock()
    ShareTarget.objects.select_for_update(no_key=True).get(pk=post.target_id)
    post = SocialPost.objects.select_for_update().get(pk=post.pk)
    if post.form_key == form_key:
        return  # the same form, sent twice
    if seen is not None and post.changed_at != seen:
        raise ChangedMeanwhile
    if not wordings:
        raise NotNow("Choose at least one account.")
    due = timing.moment(now)
    there = {
        each.account_id: each
        for each in post.deliveries.select_for_update().exclude(state=_S.CANCELLED)
    }
    if any(each.state not in OPEN or each.armed_at is not None for each in there.values()):
        raise NotNow("This post is on its way, or over: it cannot be changed any more.")
    wanted = {each.account_id: each for each in wordings}
    state = _S.APPROVED if approved else _S.DRAFT
    for account_id, wording in wanted.items():
        if account_id in there:
            _change(there[account_id], wording, state, due, now)
    added = [wording for account_id, wording in wanted.items() if account_id not in there]
    if added:
        _refuse_unasked(post.target, {each.account_id for each in added}, again)
        _add(post, added, state, due, now)
    for account_id, delivery in there.items():
        if account_id not in wanted:
            actions.cancel(delivery=delivery, why=f"Taken out of the post by {by}.")
    SocialPost.objects.filter(pk=post.pk).update(
        when=timing.when,
        local_time=timing.local_time,
        time_zone=timing.time_zone,
        approved_by=by if approved else None,
        approved_at=now if approved else None,
        form_key=form_key,
        changed_at=now,
    )
    if approved and due is not None and due <= now:
        wake_sender()


@transaction.atomic
def approve(*, post: SocialPost, by: Any, seen: datetime | None) -> int:
    """Let a draft go out as its publisher saw it; return how many deliveries that is.

    `seen` is the moment of the post's last change that they looked at. Raises Unseen, MendFirst, NotThen,
    scheduling.Unusable; then nothing changed.
    """
    post = _held(post)
    drafts = post.deliveries.filter(state=_S.DRAFT)
    if not drafts.exists():
        return 0
    if seen is None or post.changed_at != seen:
        raise Unseen
    # What a copy of the site held back needs no mending: whoever approves it has looked on the network.
    problems = drafts.exclude(problem__in=["", installation.HELD_BACK])
    if problem := problems.values_list("problem", flat=True).first():
        raise MendFirst(f"Mend it first: {problem}")
    timing = Timing(SocialPost.When(post.when), post.local_time, post.time_zone)
    if wrong := wrong_time(timing, subject_of(post.target), clock()):
        raise NotThen(wrong)
    return actions.approve(post=post, by=by)


@transaction.atomic
def reschedule(*, post: SocialPost, timing: Timing, may_approve: bool) -> None:
    """Give what has not begun another time; what is approved is a publisher's to move.

    Raises NotThen, NotNow, scheduling.Unusable; then nothing changed.
    """
    post = _held(post)
    if not may_approve and post.deliveries.filter(state=_S.APPROVED).exists():
        raise NotNow("A publisher has approved this post: they move it now.")
    if wrong := wrong_time(timing, subject_of(post.target), clock()):
        raise NotThen(wrong)
    actions.reschedule(post=post, timing=timing)


def wrong_time(timing: Timing, subject: Subject, now: datetime) -> WrongTime | None:
    """Return why a post about a subject cannot go out at a time; None where it can."""
    if subject.standing is Standing.GONE:
        return WrongTime("", "The page, or the section, was deleted: there is nothing to link to.")
    match timing.when:
        case SocialPost.When.NOW if subject.is_awaited:
            return WrongTime(
                "when",
                "It is not published yet, so a link would lead nowhere. Choose “When it is published”.",
            )
        case SocialPost.When.AT_PUBLISH if not subject.can_be_published:
            return WrongTime("when", "There is nothing to publish. Choose “Now”, or a time.")
        case SocialPost.When.AT_TIME:
            return _wrong_moment(timing, now)
    return None


def _wrong_moment(timing: Timing, now: datetime) -> WrongTime | None:
    try:
        scheduling.zone(timing.time_zone)
    except scheduling.Unusable as error:
        return WrongTime("time_zone", str(error))
    try:
        due = timing.moment(now)
    except scheduling.Unusable as error:
        return WrongTime("local_time", str(error))
    if due is not None and due < now:
        return WrongTime("local_time", "This time is over. Choose a later one, or “Now”.")
    return None


def _held(post: SocialPost) -> SocialPost:
    """Return a post as it is, held against everybody else who changes it or decides about it."""
    return (
        SocialPost.objects.select_for_update(of=("self",)).select_related("target").get(pk=post.pk)
    )


def _refuse_unasked(
    target: ShareTarget, account_ids: Collection[int], again: Mapping[int, int]
) -> None:
    newest = posted_about(target, account_ids)
    if unasked := newest.keys() - again.keys():
        raise PostedAlready(unasked)
    if unseen := {pk for pk, delivery_id in newest.items() if delivery_id > again[pk]}:
        raise PostedAlready(unseen, meanwhile=True)


def _change(
    delivery: Delivery,
    wording: Wording,
    state: DeliveryState,
    due: datetime | None,
    now: datetime,
) -> None:
    moved = Delivery.objects.filter(
        pk=delivery.pk, fence=delivery.fence, state=delivery.state
    ).update(
        text=wording.text,
        language=wording.language,
        options=dict(wording.options),
        state=state,
        due_at=due,
        not_before=due,
        problem="",
        # A worker that read the old words sends nothing any more.
        fence=F("fence") + 1,
        changed_at=now,
    )
    if not moved:
        raise NotNow("This post is on its way, or over: it cannot be changed any more.")


def _add(
    post: SocialPost,
    wordings: Sequence[Wording],
    state: DeliveryState,
    due: datetime | None,
    now: datetime,
) -> None:
    accounts = SocialAccount.objects.exclude(state=SocialAccount.State.DISCONNECTED)
    if accounts.filter(pk__in=[each.account_id for each in wordings]).count() < len(wordings):
        raise NotNow("One of the accounts is disconnected by now. Choose again.")
    purpose = SocialPost.Purpose(post.purpose)
    try:
        with transaction.atomic():
            Delivery.objects.bulk_create(
                Delivery(
                    post=post,
                    account_id=each.account_id,
                    target_id=post.target_id,
                    purpose=purpose,
                    revision=actions.next_revision(post.target, each.account_id, purpose),
                    text=each.text,
                    language=each.language,
                    options=dict(each.options),
                    link_code=each.link_code,
                    state=state,
                    due_at=due,
                    not_before=due,
                    changed_at=now,
                )
                for each in wordings
            )
    except IntegrityError as error:
        raise NotNow(
            "One of the accounts had this very post before. Write a new post for it instead."
        ) from error
