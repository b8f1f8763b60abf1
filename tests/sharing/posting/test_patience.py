"""What does not go out is tried again after waits that grow, and ends where an editor sees it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from sharing.models import Delivery, DeliveryAttempt, ShareTarget, SocialAccount
from sharing.posting import actions, patience
from sharing.posting.claims import clock
from sharing.posting.jobs import Job
from sharing.posting.outcomes import Later, Outcome
from sharing.posting.recording import BREAK
from sharing.posting.states import DeliveryState
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import Composed, add_account
from tests.sharing.posting.plain_network import Network, code, send

pytestmark = pytest.mark.django_db
S = DeliveryState
# What connectors say of a failure that tells nothing about when.
SOON = timedelta(seconds=30)


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    return ShareTarget.objects.get(code=shared.code)


@pytest.fixture
def delivery(composed: Composed) -> Delivery:
    return composed()


def break_off(job: Job) -> Outcome:
    raise OSError(28, "No space left on device")


def be_away(job: Job) -> Outcome:
    # In a thread that has no business with the database's clock.
    return Later("social.example does not answer.", until=timezone.now() + SOON, everybody=True)


def go_on_until_it_ends(network: Network, delivery: Delivery, most: int = 60) -> list[timedelta]:
    """Let every wait pass until the delivery waits no more; return the waits."""
    waits: list[timedelta] = []
    for _ in range(most):
        began = clock()
        SocialAccount.objects.update(silent_until=None)
        Delivery.objects.filter(state__in=[S.APPROVED, S.UNKNOWN]).update(not_before=began)
        send(network)
        delivery.refresh_from_db()
        if delivery.not_before is None:
            return waits
        waits.append(delivery.not_before - began)
    raise AssertionError("it never ends")


@pytest.mark.parametrize(
    ("step", "trouble", "last"),
    [
        ("preparing", break_off, "A fault on our side"),
        ("preparing", be_away, "social.example does not answer."),
        ("publishing", be_away, "social.example does not answer."),
    ],
)
def test_what_never_goes_out_waits_ever_longer_and_ends_as_failed(
    network: Network,
    delivery: Delivery,
    step: str,
    trouble: Callable[[Job], Outcome],
    last: str,
) -> None:
    setattr(network, step, trouble)
    waits = go_on_until_it_ends(network, delivery)
    assert delivery.state == S.FAILED
    assert f"Given up after {patience.MOST_TRIES} tries" in delivery.problem
    assert last in delivery.problem
    assert len(waits) == patience.MOST_TRIES - 1
    for wait, least in zip(waits, patience.BACK_OFF, strict=False):
        assert wait >= least
    assert sum(waits, timedelta()) >= patience.GIVE_UP_AFTER
    lines = delivery.attempts.values_list("led_to", flat=True)
    assert list(lines) == [*["approved"] * (patience.MOST_TRIES - 1), "failed"]
    assert not network.posts


def test_what_was_given_up_is_tried_as_long_again_where_somebody_wants_it(
    network: Network, delivery: Delivery
) -> None:
    network.publishing = be_away
    go_on_until_it_ends(network, delivery)
    actions.try_again(delivery=delivery, by="Ann")
    assert len(go_on_until_it_ends(network, delivery)) == patience.MOST_TRIES - 1
    network.publishing = network.take
    actions.try_again(delivery=delivery, by="Ann")
    SocialAccount.objects.update(silent_until=None)
    send(network)
    delivery.refresh_from_db()
    assert delivery.state == S.PUBLISHED
    assert network.posts == {delivery.link_code: 1}


def test_requests_that_are_swallowed_every_time_end_as_failed(
    network: Network, delivery: Delivery
) -> None:
    network.publishing = lambda job: network.no_answer()
    waits = go_on_until_it_ends(network, delivery, most=100)
    assert delivery.state == S.FAILED
    assert "It is not there." in delivery.problem
    assert max(waits) > timedelta(hours=1)


def test_a_search_that_fails_is_made_ever_more_rarely_and_never_given_up(
    network: Network, delivery: Delivery
) -> None:
    network.publishing, network.looking = network.take_and_be_silent, be_away
    send(network)
    waits = []
    for age in (timedelta(minutes=1), timedelta(hours=1), timedelta(days=30)):
        began = clock()
        SocialAccount.objects.update(silent_until=None)
        Delivery.objects.update(armed_at=began - age, not_before=began)
        send(network)
        delivery.refresh_from_db()
        assert delivery.state == S.UNKNOWN
        assert delivery.not_before is not None
        waits.append(delivery.not_before - began)
    assert waits[0] < timedelta(minutes=2) < waits[1]
    assert timedelta(hours=3) <= waits[2] <= timedelta(hours=4)


def test_a_network_that_stays_away_is_asked_ever_more_rarely(
    network: Network, composed: Composed, account: SocialAccount
) -> None:
    network.publishing = be_away
    silences = []
    for _ in range(len(BREAK) + 2):
        composed()
        began = clock()
        send(network)
        account.refresh_from_db()
        assert account.silent_until is not None
        silences.append(account.silent_until - began)
        SocialAccount.objects.update(silent_until=began)
    assert silences[0] < timedelta(minutes=1)
    assert silences[-1] >= BREAK[-1]


def test_many_that_fail_in_one_moment_are_one_failure_of_their_account(
    network: Network, composed: Composed, account: SocialAccount
) -> None:
    for _ in range(40):
        composed()
    network.publishing = be_away
    assert send(network) > 1
    account.refresh_from_db()
    assert account.failures == 1


def test_one_that_our_own_code_cannot_read_keeps_no_other_back(
    network: Network, composed: Composed, caplog: pytest.LogCaptureFixture
) -> None:
    broken = composed(options={"visibility": "nonsense"})
    well = composed()
    send(network)
    assert network.posts == {well.link_code: 1}
    waits = go_on_until_it_ends(network, broken)
    assert len(waits) == patience.MOST_TRIES - 2, "the first was in good company"
    assert (broken.state, broken.tries) == (S.FAILED, patience.MOST_TRIES)
    assert "A fault on our side" in broken.problem
    assert "cannot be read" in caplog.text


def test_one_that_cannot_be_read_any_more_while_it_is_unknown_stays_unknown(
    network: Network, delivery: Delivery
) -> None:
    network.publishing = network.take_and_be_silent
    send(network)
    Delivery.objects.update(options={"visibility": "nonsense"}, not_before=clock())
    send(network)
    delivery.refresh_from_db()
    assert delivery.state == S.UNKNOWN
    assert "search" in delivery.problem


def test_what_waits_for_an_allowance_is_not_taken_up_again_and_again(
    network: Network, composed: Composed
) -> None:
    until = clock() + timedelta(minutes=5)
    account = add_account("budget", budget=1, budget_until=until)
    for _ in range(30):
        composed(to=account)
    for _ in range(5):
        Delivery.objects.filter(state=S.APPROVED).update(not_before=clock())
        send(network)
    assert sum(network.posts.values()) == 1
    deferred = DeliveryAttempt.objects.filter(words__contains="takes no more")
    assert deferred.count() <= 8, "at most what was in hand as the allowance ended"
    account.refresh_from_db()
    assert (account.silent_until, account.failures) == (until, 0)
    assert set(Delivery.objects.filter(state=S.APPROVED).values_list("tries", flat=True)) == {0}
    SocialAccount.objects.update(silent_until=None, budget=None, budget_until=None)
    Delivery.objects.filter(state=S.APPROVED).update(not_before=clock())
    send(network)
    assert set(network.posts.values()) == {1}
    assert len(network.posts) == 30


def test_those_that_failed_together_do_not_come_back_together() -> None:
    waits = {patience.wait_after(6) for _ in range(50)}
    assert len(waits) > 10
    assert patience.BACK_OFF[5] <= min(waits) <= max(waits) <= patience.BACK_OFF[5] * 1.2


def test_a_fault_with_one_is_no_wait_for_the_others_of_its_account(
    network: Network, composed: Composed, account: SocialAccount
) -> None:
    one, other = composed(), composed()
    usual = network.preparing
    network.preparing = lambda job: break_off(job) if code(job) == one.link_code else usual(job)
    send(network)
    assert network.posts == {other.link_code: 1}
    account.refresh_from_db()
    assert account.silent_until is None
