"""One delivery is one worker's at a time, whoever else looks at the same moment."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from sharing.models import Delivery, ShareTarget, SocialAccount
from sharing.posting import actions, claims
from sharing.posting.claims import LEASE, Claim, clock
from sharing.posting.states import DeliveryState
from tests.sharing.posting.conftest import AT_PUBLISH, NOW, Composed, add_account, wording

pytestmark = pytest.mark.django_db


def state(delivery: Delivery) -> DeliveryState:
    delivery.refresh_from_db()
    return DeliveryState(delivery.state)


def test_what_is_due_is_claimed_once_and_longest_due_first(composed: Composed) -> None:
    now = clock()
    later = composed(not_before=now - timedelta(minutes=1))
    first = composed(not_before=now - timedelta(hours=1))
    third = composed(not_before=now - timedelta(seconds=1))
    taken = claims.take_due(2, now)
    assert {claim.delivery_id for claim in taken} == {first.pk, later.pk}
    assert {claim.fence for claim in taken} == {1}
    assert [claim.delivery_id for claim in claims.take_due(9, now)] == [third.pk]
    assert claims.take_due(9, now) == []
    first.refresh_from_db()
    assert (first.state, first.lease_until) == (DeliveryState.PREPARING, now + LEASE)


def test_drafts_and_what_is_not_due_are_left_alone(composed: Composed) -> None:
    now = clock()
    composed(approved=False)
    composed(timing=AT_PUBLISH)
    composed(not_before=now + timedelta(seconds=1))
    for after in DeliveryState:
        if after not in {DeliveryState.APPROVED, DeliveryState.DRAFT}:
            composed(state=after, lease_until=now + LEASE, remote_id="7")
    assert claims.take_due(99, now) == []


@pytest.mark.parametrize(
    "values",
    [
        {"state": SocialAccount.State.PAUSED},
        {"state": SocialAccount.State.EXPIRED},
        {"state": SocialAccount.State.DISCONNECTED},
        {"silent_until": clock},
    ],
)
def test_an_account_that_must_not_be_asked_keeps_nobody_else_waiting(
    composed: Composed, values: dict[str, object]
) -> None:
    now = clock()
    if "silent_until" in values:
        values = {"silent_until": now + timedelta(minutes=5)}
    other = add_account("not to be asked")
    composed(to=other, not_before=now - timedelta(hours=1))
    SocialAccount.objects.filter(pk=other.pk).update(**values)
    due = composed()
    assert [claim.delivery_id for claim in claims.take_due(1, clock())] == [due.pk]


def test_only_the_worker_with_the_newest_fence_may_arm(composed: Composed) -> None:
    delivery = composed()
    now = clock()
    [old] = claims.take_due(9, now)
    Delivery.objects.update(state=DeliveryState.APPROVED, lease_until=None)
    [new] = claims.take_due(9, now)
    assert claims.arm([old], now) == set()
    assert claims.arm([old, new], now) == {new}
    assert claims.arm([new], now) == set(), "armed twice"
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.armed_at) == (DeliveryState.ARMED, 1, now)


def test_a_lease_that_is_over_arms_nothing(composed: Composed) -> None:
    delivery = composed()
    now = clock()
    taken = claims.take_due(9, now)
    assert claims.arm(taken, now + LEASE) == set()
    assert state(delivery) is DeliveryState.PREPARING


def test_an_unknown_one_is_looked_for_by_one_worker_and_stays_unknown(composed: Composed) -> None:
    delivery = composed(state=DeliveryState.UNKNOWN)
    now = clock()
    [claim] = claims.take_unknown(9, now)
    assert claim.delivery_id == delivery.pk
    assert state(delivery) is DeliveryState.UNKNOWN
    assert claims.take_unknown(9, now) == []
    assert claims.take_unknown(9, now + LEASE + timedelta(seconds=1))[0].fence == claim.fence + 1


@pytest.mark.django_db(transaction=True)
def test_eight_workers_share_the_work_and_none_of_it_twice() -> None:
    target = ShareTarget.objects.create(page_id=1, label="Sleep")
    account = add_account()
    now = clock()
    for _ in range(100):
        actions.compose(
            target=target, wordings=[wording(account)], timing=NOW, by=None, approved=True
        )

    def work(_: int) -> list[Claim]:
        mine: list[Claim] = []
        try:
            while taken := claims.take_due(3, clock()):
                mine += claims.arm(taken, clock())
        finally:
            connection.close()
        return mine

    with ThreadPoolExecutor(8) as pool:
        found = Counter(one for mine in pool.map(work, range(8)) for one in mine)
    assert len(found) == 100
    assert set(found.values()) == {1}
    assert set(Delivery.objects.values_list("fence", flat=True)) == {1}
    assert now <= clock()
