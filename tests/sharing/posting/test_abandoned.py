"""A post that ends every worker that prepares it comes to an end itself, and keeps nobody else back."""

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

import pytest
from django.db import connections

from articles.models import HomePage
from sharing.models import Delivery, ShareTarget, SocialAccount
from sharing.posting import actions, claims, sweeping
from sharing.posting.claims import clock
from sharing.posting.jobs import Job
from sharing.posting.outcomes import Deferred, Later, Outcome, Prepared
from sharing.posting.recording import Step, record
from sharing.posting.states import DeliveryState
from sharing.posting.sweeping import MOST_ALONE
from tests.sharing.conftest import shared_article
from tests.sharing.posting.conftest import NOW, Composed, add_account, wording
from tests.sharing.posting.plain_network import Network, code, send

pytestmark = pytest.mark.django_db
S = DeliveryState
ENDED = f"Preparing this ended a worker of the site, or held it up for minutes, {MOST_ALONE + 1} times in a row"


def abandon(delivery: Delivery, claim: Callable[[], list[claims.Claim]]) -> None:
    """Claim a delivery and let the lease run out, as where the worker is dead."""
    assert delivery.pk in {each.delivery_id for each in claim()}
    let_leases_end()
    assert sweeping.release_abandoned()
    delivery.refresh_from_db()


def let_leases_end() -> None:
    Delivery.objects.filter(lease_until__isnull=False).update(
        lease_until=clock() - timedelta(seconds=1)
    )


def alone() -> list[claims.Claim]:
    return claims.take_abandoned(clock())


def in_company() -> list[claims.Claim]:
    return claims.take_due(9, clock())


def test_what_a_worker_ended_over_is_claimed_alone_from_then_on(composed: Composed) -> None:
    suspects = {composed().pk, composed().pk}
    assert {each.delivery_id for each in in_company()} == suspects
    let_leases_end()
    assert sweeping.release_abandoned() == 2
    other = composed()
    assert [each.delivery_id for each in in_company()] == [other.pk]
    first, second = alone(), alone()
    assert {each.delivery_id for each in first + second} == suspects
    assert (len(first), len(second), alone()) == (1, 1, [])


def test_it_fails_after_so_many_workers_and_says_what_to_do(composed: Composed) -> None:
    delivery = composed()
    abandon(delivery, in_company)
    for number in range(MOST_ALONE):
        assert delivery.state == S.APPROVED, number
        abandon(delivery, alone)
    assert (delivery.state, delivery.not_before, delivery.lease_until) == (S.FAILED, None, None)
    assert delivery.problem.startswith(ENDED)
    assert "Nothing was sent" in delivery.problem
    assert len(delivery.problem) < 500
    assert [each.led_to for each in delivery.attempts.all()] == [S.APPROVED] * MOST_ALONE + [
        S.FAILED
    ]
    assert [each.words for each in delivery.attempts.all()][-1] == delivery.problem
    assert alone() == in_company() == []


def test_tried_again_it_is_alone_at_once_and_begins_anew(composed: Composed) -> None:
    delivery = composed(state=S.FAILED, abandoned=MOST_ALONE + 1)
    actions.try_again(delivery=delivery, by="Ann")
    assert in_company() == []
    for number in range(MOST_ALONE):
        delivery.refresh_from_db()
        assert delivery.state == S.APPROVED, number
        abandon(delivery, alone)
    assert delivery.state == S.FAILED


def test_only_what_comes_in_a_row_counts(composed: Composed) -> None:
    delivery = composed(abandoned=MOST_ALONE)
    [claim] = alone()
    step = Step(claim, delivery.account_id, S.PREPARING, 0, Later("Its server is down."))
    record([step], clock())
    delivery.refresh_from_db()
    assert (delivery.state, delivery.abandoned) == (S.APPROVED, 0)

    Delivery.objects.update(abandoned=MOST_ALONE, not_before=clock())
    assert claims.arm(alone(), clock())
    delivery.refresh_from_db()
    assert (delivery.state, delivery.abandoned) == (S.ARMED, 0)
    let_leases_end()
    sweeping.release_abandoned()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.abandoned) == (S.UNKNOWN, 0)


def test_what_was_put_off_before_it_was_prepared_stays_under_suspicion(composed: Composed) -> None:
    delivery = composed(abandoned=3)
    [claim] = alone()
    until = clock() - timedelta(seconds=1)
    step = Step(claim, delivery.account_id, S.PREPARING, 0, Deferred("No more now.", until=until))
    record([step], clock())
    delivery.refresh_from_db()
    assert (delivery.state, delivery.abandoned) == (S.APPROVED, 3)
    assert in_company() == []


def test_it_is_prepared_when_all_others_are_sent_with_nothing_else_in_hand(
    home: HomePage,
) -> None:
    mine, others = composed_about(home, 3), composed_about(home, 9)
    Delivery.objects.filter(pk__in=[each.pk for each in mine]).update(abandoned=1)
    network = Network()
    at_work: list[int] = []

    def prepare(job: Job) -> Outcome:
        if job.claim.delivery_id in {each.pk for each in mine}:
            held = Delivery.objects.filter(state__in=[S.PREPARING, S.ARMED])
            at_work.append(held.count())
            assert not Delivery.objects.filter(
                state=S.APPROVED, pk__in=[each.pk for each in others]
            ).exists()
        return Prepared()

    # In the thread that has the test's database.
    network.prepare_at_once = prepare  # type: ignore[method-assign]
    assert send(network) == 12
    assert at_work == [1, 1, 1]
    assert set(network.posts.values()) == {1}


def composed_about(home: HomePage, number: int) -> list[Delivery]:
    """Write approved posts, due now, about an article that is published."""
    shared = shared_article(home, f"Sleep {number}")
    target = ShareTarget.objects.get(code=shared.code)
    account = SocialAccount.objects.first() or add_account()
    return [
        actions.compose(
            target=target,
            wordings=[wording(account)],
            timing=NOW,
            by=None,
            approved=True,
        ).deliveries.get()
        for _ in range(number)
    ]


def killed_over(poison: str) -> int | None:
    """Send what is due in a process that a post kills; return how that process ended."""

    def prepare(job: Job) -> Outcome:
        if code(job) == poison:
            os.kill(os.getpid(), signal.SIGKILL)
        return Prepared(values={"rkey": code(job)[:5]})

    def work() -> None:
        connections.close_all()
        network = Network()
        network.preparing = prepare
        send(network)
        connections.close_all()

    process = get_context("fork").Process(target=work)
    process.start()
    process.join(60)
    return process.exitcode


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_at_once", [True, False])
def test_real_workers_killed_by_one_post_send_all_the_others(
    home: HomePage, is_at_once: bool
) -> None:
    deliveries: list[Any] = composed_about(home, 12)
    # `plain_network` prepares those with odd numbers in the thread that claims, the others in a thread of its own.
    poison = next(each for each in deliveries if each.pk % 2 == is_at_once)
    connections.close_all()
    exits = []
    for number in range(MOST_ALONE + 2):
        exits.append(killed_over(poison.link_code))
        if number == 2:
            # New ones do not wait for it either.
            deliveries += composed_about(home, 2)
        let_leases_end()
        sweeping.release_abandoned()
        Delivery.objects.filter(state=S.UNKNOWN).update(not_before=clock())
        connections.close_all()
    assert exits == [-signal.SIGKILL] * (MOST_ALONE + 1) + [0]
    poison.refresh_from_db()
    assert poison.state == S.FAILED
    assert poison.problem.startswith(ENDED)
    others = Delivery.objects.exclude(pk=poison.pk)
    assert set(others.values_list("state", flat=True)) == {S.PUBLISHED}
    assert others.count() == 13
    assert max(others.values_list("abandoned", flat=True)) == 0
