"""The engine against a network that speaks HTTP, knows what it was sent, and misbehaves."""

from dataclasses import replace
from typing import Any

import pytest

from sharing.links import post_address
from sharing.models import Delivery, ShareTarget, SocialAccount
from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Outbound
from sharing.networks.posting import CONNECTORS
from sharing.posting import claims, jobs
from sharing.posting.claims import clock
from sharing.posting.engine import send_due
from sharing.posting.outcomes import Later, Prepared, Published
from sharing.posting.sending import Networks
from sharing.posting.states import DeliveryState
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import connect
from tests.sharing.posting.published import written

pytestmark = pytest.mark.django_db(transaction=True)
S = DeliveryState


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    return ShareTarget.objects.get(code=shared.sections["why"])


def send(outbound: Outbound, *, rounds: int = 1) -> None:
    networks = Networks(outbound)
    for _ in range(rounds):
        Delivery.objects.filter(state__in=[S.UNKNOWN, S.APPROVED]).update(not_before=clock())
        SocialAccount.objects.update(silent_until=None)
        send_due(networks, seconds=30)


def held(demo: DemoNetwork, delivery: Delivery) -> int:
    return len(demo.truth.holding(delivery.link_code))


def settle(account: SocialAccount) -> None:
    """Let the time pass after which a network that shows nothing has nothing."""
    Delivery.objects.update(armed_at=clock() - 2 * _abilities(account).settles_after)


def _abilities(account: SocialAccount) -> Any:
    return next(each.abilities for each in CONNECTORS if each.slug == account.network)


def test_a_post_is_there_with_its_link_and_its_address_is_known(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget, each_account: SocialAccount
) -> None:
    delivery = written(target, each_account)
    send(outbound)
    delivery.refresh_from_db()
    assert delivery.state == S.PUBLISHED, delivery.problem
    assert held(demo, delivery) == 1
    assert delivery.permalink.startswith("http")


def test_a_card_leads_to_the_same_link_as_the_text(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget
) -> None:
    delivery = written(target, connect("bluesky", demo, outbound))
    send(outbound)
    [post] = demo.truth.posts
    assert post.said["embed"]["external"]["uri"] == post_address(delivery.link_code)
    assert post_address(delivery.link_code) in post.text


def test_an_access_that_ended_is_renewed_and_what_waited_goes_out(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget
) -> None:
    demo.truth.habits.flavour = "old"
    account = connect("mastodon", demo, outbound)
    assert account.expires_at is None
    delivery = written(target, account)
    demo.truth.mark_tokens("expired", kinds=frozenset({"oauth"}))
    send(outbound)
    delivery.refresh_from_db()
    account.refresh_from_db()
    assert delivery.state == S.PUBLISHED, delivery.problem
    assert (account.state, account.problem) == (SocialAccount.State.ACTIVE, "")
    assert held(demo, delivery) == 1


@pytest.mark.parametrize(
    "kind", [Kind.SWALLOW_REPLY, Kind.ERROR_AFTER, Kind.HTML, Kind.NO_ID, Kind.BAD_JSON]
)
def test_a_post_that_is_there_without_a_usable_answer_is_found_and_not_doubled(
    demo: DemoNetwork,
    outbound: Outbound,
    target: ShareTarget,
    each_account: SocialAccount,
    kind: Kind,
) -> None:
    delivery = written(target, each_account)
    demo.faults.due.append(Fault(kind))
    send(outbound, rounds=3)
    delivery.refresh_from_db()
    assert delivery.state == S.PUBLISHED, delivery.problem
    assert held(demo, delivery) == 1


@pytest.mark.parametrize("kind", [Kind.SWALLOW_REQUEST, Kind.ERROR_BEFORE])
def test_a_post_that_did_not_arrive_is_sent_again_once_that_is_certain(
    demo: DemoNetwork,
    outbound: Outbound,
    target: ShareTarget,
    each_account: SocialAccount,
    kind: Kind,
) -> None:
    delivery = written(target, each_account)
    demo.faults.due.append(Fault(kind))
    send(outbound)
    delivery.refresh_from_db()
    assert delivery.state == S.UNKNOWN
    settle(each_account)
    send(outbound, rounds=2)
    delivery.refresh_from_db()
    assert delivery.state == S.PUBLISHED, delivery.problem
    assert held(demo, delivery) == 1


def test_what_is_too_long_is_refused_in_words_before_anything_is_sent(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget, each_account: SocialAccount
) -> None:
    delivery = written(target, each_account, "x" * 3000)
    send(outbound)
    delivery.refresh_from_db()
    assert delivery.state == S.FAILED
    assert delivery.armed_at is None
    assert delivery.problem
    assert held(demo, delivery) == 0


def test_a_limit_makes_the_account_wait(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget, each_account: SocialAccount
) -> None:
    delivery = written(target, each_account)
    demo.faults.due.append(Fault(Kind.RATE_LIMIT))
    send(outbound)
    delivery.refresh_from_db()
    each_account.refresh_from_db()
    assert delivery.state == S.APPROVED
    assert each_account.silent_until is not None
    assert each_account.state == SocialAccount.State.ACTIVE
    send(outbound)
    delivery.refresh_from_db()
    assert delivery.state == S.PUBLISHED
    assert held(demo, delivery) == 1


def test_a_revoked_access_asks_for_a_new_one(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget, each_account: SocialAccount
) -> None:
    delivery = written(target, each_account)
    for token in demo.truth.tokens.values():
        token.state = "revoked"
    demo.truth.accounts["demo"] = "another password"
    send(outbound)
    delivery.refresh_from_db()
    each_account.refresh_from_db()
    assert each_account.state == SocialAccount.State.EXPIRED, each_account.problem
    assert delivery.state == S.APPROVED


def test_an_expired_session_is_renewed_by_one_worker_and_the_posts_go_out(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget, db: None
) -> None:
    account = connect("bluesky", demo, outbound)
    deliveries = [written(target, account, f"Sleep well {number}.") for number in range(4)]
    for token in demo.truth.tokens.values():
        if token.kind != "refresh":
            token.state = "expired"
    before = account.secrets
    send(outbound, rounds=2)
    assert [held(demo, each) for each in deliveries] == [1, 1, 1, 1]
    account.refresh_from_db()
    assert account.secrets != before
    assert account.renewing_until is None


def test_what_is_held_up_too_long_is_not_sent_any_more(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget, each_account: SocialAccount
) -> None:
    delivery = written(target, each_account)
    networks = Networks(outbound)
    [job], _ = jobs.load(claims.take_due(9, clock()))
    prepared = networks.prepare(job)
    assert isinstance(prepared, Prepared)
    late = replace(job, prepared=prepared.values, send_before=0.0)
    assert isinstance(networks.publish(late), Later)
    assert held(demo, delivery) == 0
    assert isinstance(networks.publish(replace(late, send_before=None)), Published)
    assert held(demo, delivery) == 1
