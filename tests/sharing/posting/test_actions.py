"""What editors and pages do with posts, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sharing import waking
from sharing.models import Delivery, ShareTarget, SocialAccount, SocialPost
from sharing.posting import actions, claims
from sharing.posting.actions import AlreadyPosted, NotNow, Timing
from sharing.posting.claims import clock
from sharing.posting.scheduling import Unusable
from sharing.posting.states import DeliveryState
from tests.sharing.posting.conftest import AT_PUBLISH, NOW, Composed, add_account, wording

pytestmark = pytest.mark.django_db
S = DeliveryState


def compose(target: ShareTarget, *accounts: SocialAccount, **values: Any) -> SocialPost:
    given = {"timing": NOW, "by": None, "approved": True} | values
    return actions.compose(target=target, wordings=[wording(each) for each in accounts], **given)


def states(post: SocialPost) -> list[str]:
    return list(post.deliveries.order_by("pk").values_list("state", flat=True))


def test_a_post_has_one_delivery_for_each_account_with_a_link_of_its_own(
    target: ShareTarget,
) -> None:
    post = compose(target, add_account("one"), add_account("two"))
    first, second = post.deliveries.order_by("pk")
    assert first.link_code != second.link_code
    assert first.not_before is not None


def test_a_first_publication_is_posted_once_to_an_account_however_often_it_is_asked(
    target: ShareTarget, account: SocialAccount
) -> None:
    first = SocialPost.Purpose.FIRST_PUBLISH
    compose(target, account, purpose=first)
    with pytest.raises(AlreadyPosted):
        compose(target, account, add_account("other"), purpose=first)
    assert Delivery.objects.count() == 1, "nothing of the second post may be left"
    assert SocialPost.objects.count() == 1


def test_posting_again_is_another_revision(target: ShareTarget, account: SocialAccount) -> None:
    for _ in range(3):
        compose(target, account)
    assert list(Delivery.objects.order_by("pk").values_list("revision", flat=True)) == [1, 2, 3]


def test_nothing_goes_out_before_a_publisher_approves(
    target: ShareTarget, account: SocialAccount
) -> None:
    post = compose(target, account, approved=False)
    assert claims.take_due(9, clock() + timedelta(days=1)) == []
    assert actions.approve(post=post, by=None) == 1
    assert actions.approve(post=post, by=None) == 0
    assert len(claims.take_due(9, clock())) == 1


def test_an_approval_is_withdrawn_from_what_has_not_begun(target: ShareTarget) -> None:
    post = compose(target, add_account("one"), add_account("two"))
    claims.take_due(1, clock())
    assert actions.withdraw_approval(post=post, by="Ann") == 1
    assert sorted(states(post)) == ["draft", "preparing"]


def test_what_waits_for_the_page_goes_out_when_it_is_published(
    target: ShareTarget, account: SocialAccount
) -> None:
    compose(target, account, timing=AT_PUBLISH)
    compose(target, account, timing=AT_PUBLISH, approved=False)
    assert claims.take_due(9, clock() + timedelta(days=1)) == []
    assert actions.published(target_ids=[target.pk]) == 1
    assert actions.published(target_ids=[target.pk]) == 0
    assert len(claims.take_due(9, clock())) == 1


def test_unpublishing_cancels_what_waits_and_says_why(
    target: ShareTarget, account: SocialAccount
) -> None:
    waiting = compose(target, account, timing=AT_PUBLISH)
    draft = compose(target, account, approved=False)
    other = compose(ShareTarget.objects.create(page_id=2, label="Rest"), account)
    assert actions.cancel_waiting(target_ids=[target.pk], why="The page was unpublished.") == 2
    assert states(waiting) == states(draft) == ["cancelled"]
    assert states(other) == ["approved"]
    assert waiting.deliveries.get().problem == "The page was unpublished."
    assert waiting.deliveries.get().attempts.get().words == "The page was unpublished."


def test_disconnecting_an_account_cancels_what_waits_for_it(target: ShareTarget) -> None:
    gone, stays = add_account("gone"), add_account("stays")
    post = compose(target, gone, stays)
    assert actions.cancel_waiting(account_id=gone.pk, why="The account was disconnected.") == 1
    assert states(post) == ["cancelled", "approved"]


def test_what_is_on_its_way_cannot_be_cancelled(composed: Composed) -> None:
    delivery = composed()
    claimed = claims.take_due(9, clock())
    claims.arm(claimed, clock())
    with pytest.raises(NotNow, match="being sent by now"):
        actions.cancel(delivery=delivery, why="Never mind.")


def test_a_worker_that_was_passed_by_a_person_writes_nothing(composed: Composed) -> None:
    delivery = composed(state=S.UNKNOWN)
    [claim] = claims.take_unknown(9, clock())
    actions.it_is_there(
        delivery=delivery, remote_id="7", permalink="https://social.example/7", by="Ann"
    )
    delivery.refresh_from_db()
    assert delivery.fence > claim.fence
    assert (delivery.state, delivery.remote_id) == (S.PUBLISHED, "7")


def test_a_person_answers_once(composed: Composed) -> None:
    delivery = composed(state=S.UNKNOWN)
    actions.send_again(delivery=delivery, by="Ann")
    delivery.refresh_from_db()
    assert delivery.state == S.APPROVED
    with pytest.raises(NotNow):
        actions.send_again(delivery=delivery, by="Ben")
    with pytest.raises(NotNow):
        actions.it_is_there(delivery=delivery, remote_id="7", permalink="", by="Ben")


def test_what_failed_is_tried_again_with_the_same_key(composed: Composed) -> None:
    delivery = composed(state=S.FAILED, prepared={"request": "the key"})
    actions.try_again(delivery=delivery, by="Ann")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.prepared) == (S.APPROVED, {"request": "the key"})
    with pytest.raises(NotNow):
        actions.try_again(delivery=delivery, by="Ann")


def test_a_post_moves_to_another_time_until_it_begins(
    target: ShareTarget, account: SocialAccount
) -> None:
    post = compose(target, account, timing=AT_PUBLISH)
    at = Timing(SocialPost.When.AT_TIME, "2099-07-01T09:00", "Europe/Berlin")
    actions.reschedule(post=post, timing=at)
    assert post.deliveries.get().not_before == datetime(2099, 7, 1, 7, tzinfo=UTC)
    actions.reschedule(post=post, timing=NOW)
    claims.take_due(9, clock())
    with pytest.raises(NotNow):
        actions.reschedule(post=post, timing=at)


def test_a_change_of_a_zones_rules_moves_what_is_planned_by_its_clocks(
    target: ShareTarget, account: SocialAccount
) -> None:
    at = Timing(SocialPost.When.AT_TIME, "2099-07-01T09:00", "Europe/Berlin")
    post = compose(target, account, timing=at)
    # As if it had been computed when Berlin had no summer time.
    old = datetime(2099, 7, 1, 8, tzinfo=UTC)
    post.deliveries.update(due_at=old, not_before=old)
    assert actions.recompute_times() == 1
    assert post.deliveries.get().not_before == datetime(2099, 7, 1, 7, tzinfo=UTC)
    assert actions.recompute_times() == 0


def test_what_cannot_be_planned_is_refused_and_leaves_nothing(
    target: ShareTarget, account: SocialAccount
) -> None:
    with pytest.raises(Unusable):
        compose(target, account, timing=Timing(SocialPost.When.AT_TIME, "soon", "Europe/Berlin"))
    with pytest.raises(NotNow, match="account"):
        compose(target)
    with pytest.raises(NotNow, match="disconnected"):
        compose(target, add_account("gone", state=SocialAccount.State.DISCONNECTED))
    assert not SocialPost.objects.exists()


@pytest.mark.parametrize(
    ("before", "press"),
    [(S.FAILED, actions.try_again), (S.UNKNOWN, actions.send_again)],
    ids=["try again", "send again"],
)
def test_a_second_press_takes_nothing_back_from_a_worker(
    composed: Composed, before: DeliveryState, press: Any
) -> None:
    delivery = composed(state=before, not_before=None)
    seen_twice = Delivery.objects.get(pk=delivery.pk)
    press(delivery=delivery, by="Ann")
    (claim,) = claims.take_due(1, clock())
    claims.arm([claim], clock())
    with pytest.raises(NotNow):
        press(delivery=seen_twice, by="Ann")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.fence) == (S.ARMED, claim.fence)


def test_a_post_that_is_known_already_is_not_taken_for_another(composed: Composed) -> None:
    composed(state=S.PUBLISHED, remote_id="7")
    unknown = composed(state=S.UNKNOWN)
    with pytest.raises(NotNow):
        actions.it_is_there(delivery=unknown, remote_id="7", permalink="", by="Ann")
    unknown.refresh_from_db()
    assert unknown.state == S.UNKNOWN


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (NOW, ["sharing.send_posts"]),
        (Timing(SocialPost.When.AT_TIME, "2040-01-01T08:00", "UTC"), []),
    ],
)
def test_what_is_moved_to_now_is_told_to_a_worker_once_it_is_committed(
    target: ShareTarget,
    account: SocialAccount,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    when: Timing,
    expected: list[str],
) -> None:
    post = compose(target, account, timing=AT_PUBLISH)
    told: list[str] = []
    monkeypatch.setattr(waking, "wake", told.append)
    with django_capture_on_commit_callbacks(execute=True):
        actions.reschedule(post=post, timing=when)
        assert told == []
    assert told == expected
