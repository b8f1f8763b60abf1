"""Each delivery is sent once, whatever the network says or does not say."""

from datetime import timedelta

import pytest
from django.utils import timezone

from sharing.models import Delivery, ShareTarget, SocialAccount
from sharing.posting import claims, engine, jobs, sweeping
from sharing.posting.claims import LEASE, clock
from sharing.posting.jobs import Job
from sharing.posting.outcomes import (
    AccessLost,
    Budget,
    CannotTell,
    Doubtful,
    Later,
    Outcome,
    Prepared,
    Published,
    Refused,
)
from sharing.posting.recording import Step, record
from sharing.posting.states import DeliveryState
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import AT_PUBLISH, Composed, add_account
from tests.sharing.posting.plain_network import Network, code, send

pytestmark = pytest.mark.django_db
S = DeliveryState


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    return ShareTarget.objects.get(code=shared.code)


@pytest.fixture
def delivery(composed: Composed) -> Delivery:
    return composed()


def look_now() -> None:
    Delivery.objects.filter(state=S.UNKNOWN).update(not_before=clock())


def ledger(delivery: Delivery) -> list[tuple[str, str]]:
    return list(delivery.attempts.values_list("kind", "led_to"))


def test_what_is_due_is_sent_once_with_its_id_and_address_read_back(
    network: Network, delivery: Delivery
) -> None:
    assert send(network) == 1
    delivery.refresh_from_db()
    assert delivery.state == S.PUBLISHED
    assert delivery.remote_id == delivery.link_code
    assert delivery.permalink.endswith(delivery.link_code)
    assert delivery.prepared == {"rkey": delivery.link_code[:5]}
    assert ledger(delivery) == [("publish", "published")]
    assert send(network) == 0
    assert network.posts == {delivery.link_code: 1}


def test_a_swallowed_answer_is_looked_for_and_found(network: Network, delivery: Delivery) -> None:
    network.publishing = network.take_and_be_silent
    send(network)
    delivery.refresh_from_db()
    assert delivery.state == S.UNKNOWN
    look_now()
    send(network)
    delivery.refresh_from_db()
    assert delivery.state == S.PUBLISHED
    assert network.posts == {delivery.link_code: 1}
    assert ledger(delivery) == [("publish", "unknown"), ("look_up", "published")]


def test_a_swallowed_request_is_not_found_and_sent_again_with_the_same_key(
    network: Network, delivery: Delivery
) -> None:
    network.publishing = lambda job: Doubtful("No answer.")
    send(network)
    network.publishing = network.take
    look_now()
    send(network)
    delivery.refresh_from_db()
    assert delivery.state == S.PUBLISHED
    assert network.posts == {delivery.link_code: 1}
    assert delivery.tries == 2


def test_a_network_that_cannot_be_asked_leaves_it_unknown_and_never_sends_twice(
    network: Network, delivery: Delivery
) -> None:
    network.publishing = network.take_and_be_silent
    network.looking = lambda job: CannotTell("This network has no search.")
    for _ in range(5):
        send(network)
        look_now()
    delivery.refresh_from_db()
    assert delivery.state == S.UNKNOWN
    assert delivery.problem == "This network has no search."
    assert network.posts == {delivery.link_code: 1}


def test_a_refusal_fails_with_its_words(network: Network, delivery: Delivery) -> None:
    network.publishing = lambda job: Refused("The text is 12 characters too long.")
    send(network)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.problem) == (S.FAILED, "The text is 12 characters too long.")


def test_what_the_network_would_refuse_is_never_armed(network: Network, delivery: Delivery) -> None:
    network.preparing = lambda job: Refused("Too long.")
    send(network)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.armed_at, delivery.tries) == (S.FAILED, None, 0)


def test_a_limit_of_the_account_makes_all_of_it_wait_and_nobody_else(
    network: Network, composed: Composed
) -> None:
    limited, free = add_account("limited"), add_account("free")
    until = clock() + timedelta(minutes=5)
    one, two = composed(to=limited), composed(to=limited)
    other = composed(to=free)
    keys = {one.link_code, two.link_code}
    network.publishing = lambda job: (
        Later("Too many posts.", until=until, everybody=True)
        if code(job) in keys
        else network.take(job)
    )
    send(network)
    limited.refresh_from_db()
    assert limited.silent_until == until
    assert limited.state == SocialAccount.State.ACTIVE
    for each in (one, two, other):
        each.refresh_from_db()
    assert {one.state, two.state} == {S.APPROVED}
    assert other.state == S.PUBLISHED


def test_what_is_left_of_a_budget_is_used_and_no_more(network: Network, composed: Composed) -> None:
    account = add_account("budget", budget=2, budget_until=clock() + timedelta(minutes=5))
    deliveries = [composed(to=account) for _ in range(5)]
    send(network)
    assert sum(network.posts.values()) == 2
    waiting = Delivery.objects.filter(state=S.APPROVED)
    account.refresh_from_db()
    assert {each.not_before for each in waiting} == {account.budget_until}
    assert len(waiting) == 3
    assert len(deliveries) == 5


def test_workers_learn_the_budget_from_the_network(network: Network, delivery: Delivery) -> None:
    until = clock() + timedelta(minutes=5)
    network.publishing = lambda job: Published(
        remote_id="7", permalink="https://social.example/7", budget=Budget(41, until)
    )
    send(network)
    account = SocialAccount.objects.get()
    assert (account.budget, account.budget_until) == (41, until)


def test_a_dead_access_waits_for_somebody_to_connect_it_again(
    network: Network, delivery: Delivery
) -> None:
    network.publishing = lambda job: AccessLost("The access was revoked.")
    send(network)
    account = SocialAccount.objects.get()
    delivery.refresh_from_db()
    assert (account.state, account.problem) == ("expired", "The access was revoked.")
    assert delivery.state == S.APPROVED
    assert send(network) == 0
    network.publishing = network.take
    SocialAccount.objects.update(state=SocialAccount.State.ACTIVE)
    assert send(network) == 1
    assert network.posts == {delivery.link_code: 1}


def test_passing_trouble_disconnects_nobody(network: Network, delivery: Delivery) -> None:
    network.publishing = lambda job: Later("The server is down.", everybody=True)
    for _ in range(8):
        SocialAccount.objects.update(silent_until=None)
        Delivery.objects.update(not_before=clock())
        send(network)
    account = SocialAccount.objects.get()
    assert (account.state, account.failures) == (SocialAccount.State.ACTIVE, 8)


@pytest.mark.parametrize("step", ["preparing", "publishing", "looking"])
def test_a_fault_of_ours_is_no_second_post(
    network: Network, delivery: Delivery, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(job: Job) -> Outcome:
        raise ZeroDivisionError

    if step == "looking":
        network.publishing = network.take_and_be_silent
    setattr(network, step, fail)
    send(network)
    look_now()
    send(network)
    assert "failed in our own code" in caplog.text
    assert network.posts[delivery.link_code] <= 1
    delivery.refresh_from_db()
    assert delivery.state == (
        S.APPROVED if step == "preparing" else S.UNKNOWN if step == "looking" else delivery.state
    )


def test_a_page_that_is_gone_by_then_is_not_posted(
    network: Network, delivery: Delivery, shared: Shared
) -> None:
    shared.article.unpublish()
    assert send(network) == 0
    delivery.refresh_from_db()
    assert delivery.state == S.CANCELLED
    assert "unpublished" in delivery.problem
    assert not network.posts


def test_a_worker_killed_before_it_armed_leaves_it_due(
    network: Network, delivery: Delivery
) -> None:
    claims.take_due(9, clock())
    Delivery.objects.update(lease_until=clock() - timedelta(seconds=1))
    assert sweeping.release_abandoned() == 1
    assert sweeping.release_abandoned() == 0
    send(network)
    assert network.posts == {delivery.link_code: 1}
    assert ledger(delivery) == [("prepare", "approved"), ("publish", "published")]


@pytest.mark.parametrize("sent", [True, False])
def test_a_worker_killed_after_it_armed_leaves_it_unknown_and_looked_for(
    network: Network, delivery: Delivery, sent: bool
) -> None:
    claimed = claims.take_due(9, clock())
    claims.arm(claimed, clock())
    if sent:
        network.posts[delivery.link_code] += 1
    Delivery.objects.update(lease_until=clock() - timedelta(seconds=1))
    sweeping.release_abandoned()
    delivery.refresh_from_db()
    assert delivery.state == S.UNKNOWN
    send(network)
    delivery.refresh_from_db()
    assert delivery.state == S.PUBLISHED
    assert network.posts == {delivery.link_code: 1}


def test_a_worker_that_comes_back_after_its_lease_writes_nothing(
    network: Network, delivery: Delivery
) -> None:
    def answer_late(job: Job) -> Outcome:
        return network.take(job)

    def be_given_up(job: Job) -> Outcome:
        return Prepared()

    network.preparing, network.publishing = be_given_up, answer_late
    claimed = claims.take_due(9, clock())
    Delivery.objects.update(lease_until=clock() - timedelta(seconds=1))
    sweeping.release_abandoned()
    assert claims.arm(claimed, clock()) == set()
    send(network)
    assert network.posts == {delivery.link_code: 1}


def test_many_are_sent_in_one_go_each_once(network: Network, composed: Composed) -> None:
    accounts = [add_account(str(number)) for number in range(3)]
    for _ in range(20):
        for account in accounts:
            composed(to=account)
    composed(to=accounts[0], timing=AT_PUBLISH)
    assert send(network) == 60
    assert set(network.posts.values()) == {1}
    assert len(network.posts) == 60
    assert Delivery.objects.filter(state=S.PUBLISHED).count() == 60
    assert timezone.now() - clock() < LEASE


def test_a_page_that_goes_away_while_its_post_is_prepared_is_not_posted(
    delivery: Delivery, shared: Shared
) -> None:
    claimed = claims.take_due(9, clock())
    shared.article.unpublish()
    assert claims.arm(claimed, clock()) == set()
    delivery.refresh_from_db()
    assert delivery.state == S.CANCELLED


def test_what_cannot_be_searched_is_looked_for_once(network: Network, delivery: Delivery) -> None:
    network.publishing = network.take_and_be_silent
    network.looking = lambda job: CannotTell("This network has no search.")
    send(network)
    look_now()
    send(network)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.not_before) == (S.UNKNOWN, None)
    assert send(network) == 0
    assert ledger(delivery) == [("publish", "unknown"), ("look_up", "unknown")]


def test_an_answer_that_comes_too_late_is_told_in_the_ledger_and_decides_nothing(
    network: Network, delivery: Delivery
) -> None:
    [claim] = claims.take_due(9, clock())
    [job], _ = jobs.load([claim])
    [(armed, line)] = engine._arm([job], clock(), send_before=float("inf"))
    Delivery.objects.update(lease_until=clock() - timedelta(seconds=1))
    sweeping.release_abandoned()
    step = Step(claim, armed.account_id, S.ARMED, 1, network.publish(armed), line)
    assert record([step], clock()) == set()
    delivery.refresh_from_db()
    assert delivery.state == S.UNKNOWN
    [attempt] = delivery.attempts.all()
    assert attempt.led_to == S.UNKNOWN
    assert attempt.words.startswith("Came too late to count")
