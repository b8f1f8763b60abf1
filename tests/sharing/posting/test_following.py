"""Posts that are on their networks follow their pages: deleted, corrected, whatever is killed in between."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from sharing.links import post_address
from sharing.models import Delivery, DeliveryAttempt, PostWish, ShareTarget, SocialAccount
from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Outbound
from sharing.posting import actions, following, fulfilling, wishes
from sharing.posting.afterwards import Afterwards
from sharing.posting.claims import LEASE, clock
from sharing.posting.following import Why
from sharing.posting.outcomes import Done
from sharing.posting.states import DeliveryState
from sharing.shareables import shareables
from tests.factories import edit, section
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import connect
from tests.sharing.posting.published import publish

pytestmark = pytest.mark.django_db
S = DeliveryState


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    """Return the section “Why”."""
    return ShareTarget.objects.get(code=shared.sections["why"])


@pytest.fixture
def delivery(target: ShareTarget, mastodon: SocialAccount, outbound: Outbound) -> Delivery:
    """Return one whose post is on a network that edits."""
    return publish(target, mastodon, outbound)


@pytest.fixture
def each_delivery(target: ShareTarget, each_account: SocialAccount, outbound: Outbound) -> Delivery:
    """Return one whose post is on each network in turn."""
    return publish(target, each_account, outbound)


def there(demo: DemoNetwork, delivery: Delivery) -> int:
    """Return how many posts with this delivery's link the network really shows."""
    return len([each for each in demo.truth.holding(delivery.link_code) if not each.gone])


def kinds(delivery: Delivery) -> list[tuple[str, str]]:
    return list(delivery.attempts.order_by("pk").values_list("kind", "led_to"))


def fulfil(afterwards: Afterwards, delivery: Delivery) -> int:
    """Do what is wished for; return how many wishes that were, with the delivery as it is then."""
    fulfilled = fulfilling.fulfil(afterwards, seconds=30)
    delivery.refresh_from_db()
    return fulfilled


def later() -> None:
    """Let waits and leases pass."""
    PostWish.objects.update(not_before=clock(), lease_until=None)
    SocialAccount.objects.update(silent_until=None)


def test_a_post_is_deleted_on_its_network_and_withdrawn(
    each_delivery: Delivery,
    demo: DemoNetwork,
    afterwards: Afterwards,
) -> None:
    wishes.ask_to_delete(delivery=each_delivery, by=None)
    wishes.ask_to_delete(delivery=each_delivery, by=None)
    assert there(demo, each_delivery) == 1, "nothing is asked of a network before a worker does"
    assert fulfil(afterwards, each_delivery) == 1
    assert each_delivery.state == S.WITHDRAWN
    assert there(demo, each_delivery) == 0
    assert kinds(each_delivery)[-1] == ("remove", "withdrawn")
    assert PostWish.objects.get().end == PostWish.End.DONE
    assert fulfilling.fulfil(afterwards, seconds=30) == 0


def test_a_post_that_somebody_deleted_there_already_is_withdrawn(
    each_delivery: Delivery,
    demo: DemoNetwork,
    afterwards: Afterwards,
) -> None:
    demo.truth.holding(each_delivery.link_code)[0].gone = True
    wishes.ask_to_delete(delivery=each_delivery, by=None)
    fulfil(afterwards, each_delivery)
    assert each_delivery.state == S.WITHDRAWN


def test_an_answer_that_is_lost_is_asked_for_again_until_the_post_is_gone(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
) -> None:
    for kind in (Kind.SWALLOW_REPLY, Kind.ERROR_AFTER, Kind.ERROR_BEFORE):
        later()
        delivery = publish(target, mastodon, outbound)
        demo.faults.due.append(Fault(kind, on="any"))
        wishes.ask_to_delete(delivery=delivery, by=None)
        fulfil(afterwards, delivery)
        assert delivery.state == S.PUBLISHED, kind
        assert delivery.wishes.get().problem, kind
        later()
        fulfil(afterwards, delivery)
        assert delivery.state == S.WITHDRAWN, kind
        assert there(demo, delivery) == 0, kind
        assert [each for each, _ in kinds(delivery)].count("remove") == 2, kind


def test_a_worker_that_dies_while_it_deletes_is_followed_by_another(
    each_delivery: Delivery,
    demo: DemoNetwork,
    afterwards: Afterwards,
) -> None:
    wishes.ask_to_delete(delivery=each_delivery, by=None)
    dead = fulfilling.take()
    assert dead is not None
    afterwards.delete(dead.there)
    assert fulfilling.take() is None, "its lease keeps others away"
    PostWish.objects.update(lease_until=clock() - LEASE)
    assert fulfil(afterwards, each_delivery) == 1
    assert each_delivery.state == S.WITHDRAWN
    assert not each_delivery.attempts.filter(ended_at=None).exists()
    # It was only slow after all, and comes back.
    assert not fulfilling.record(dead, Done("It is gone."))
    each_delivery.refresh_from_db()
    assert each_delivery.state == S.WITHDRAWN


def test_a_limit_makes_the_account_and_its_wishes_wait(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
) -> None:
    first, second = (publish(target, mastodon, outbound, text) for text in ("One.", "Two."))
    for each in (first, second):
        wishes.ask_to_delete(delivery=each, by=None)
    demo.faults.due.append(Fault(Kind.RATE_LIMIT, on="any"))
    assert fulfilling.fulfil(afterwards, seconds=30) == 1, "the second is not even asked for"
    mastodon.refresh_from_db()
    assert mastodon.silent_until is not None
    assert mastodon.silent_until > clock()
    later()
    fulfilling.fulfil(afterwards, seconds=30)
    assert set(Delivery.objects.values_list("state", flat=True)) == {S.WITHDRAWN}


@pytest.mark.django_db(transaction=True)
def test_a_wish_that_its_network_keeps_from_being_done_waits_ever_longer(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
) -> None:
    wishes.ask_to_delete(delivery=publish(target, mastodon, outbound), by=None)
    PostWish.objects.update(tries=5)
    began = clock()
    demo.faults.due.append(Fault(Kind.ERROR_BEFORE, on="any"))
    assert fulfilling.fulfil(afterwards, seconds=30) == 1
    assert PostWish.objects.get().not_before >= began + timedelta(hours=1)


@pytest.mark.django_db(transaction=True)
def test_a_lost_access_keeps_the_wish_until_the_account_is_connected_again(
    each_delivery: Delivery,
    demo: DemoNetwork,
    afterwards: Afterwards,
    each_account: SocialAccount,
) -> None:
    for token in demo.truth.tokens.values():
        token.state = "revoked"
    demo.truth.accounts["demo"] = "another password"
    wishes.ask_to_delete(delivery=each_delivery, by=None)
    fulfilling.fulfil(afterwards, seconds=30)
    each_account.refresh_from_db()
    assert each_account.state == SocialAccount.State.EXPIRED
    later()
    assert fulfilling.fulfil(afterwards, seconds=30) == 0
    for token in demo.truth.tokens.values():
        token.state = "good"
    SocialAccount.objects.update(state=SocialAccount.State.ACTIVE)
    assert fulfil(afterwards, each_delivery) == 1
    assert each_delivery.state == S.WITHDRAWN


def test_a_post_is_corrected_where_the_network_edits(
    delivery: Delivery,
    demo: DemoNetwork,
    afterwards: Afterwards,
) -> None:
    text = f"Sleep better. {post_address(delivery.link_code)}"
    wishes.ask_to_correct(delivery=delivery, text=text, by=None)
    fulfil(afterwards, delivery)
    assert delivery.text == text
    assert delivery.state == S.PUBLISHED
    [post] = demo.truth.holding(delivery.link_code)
    assert post.text == text
    assert kinds(delivery)[-1] == ("correct", "published")


def test_a_correction_that_is_too_long_is_refused_in_words_and_the_post_stays(
    delivery: Delivery,
    demo: DemoNetwork,
    afterwards: Afterwards,
) -> None:
    before = delivery.text
    text = f"{'x' * 3000} {post_address(delivery.link_code)}"
    wishes.ask_to_correct(delivery=delivery, text=text, by=None)
    fulfil(afterwards, delivery)
    assert delivery.text == before
    wish = PostWish.objects.get()
    assert wish.end == PostWish.End.REFUSED
    assert wish.problem


def test_bluesky_is_not_asked_to_correct_and_a_correction_keeps_its_link(
    demo: DemoNetwork, outbound: Outbound, target: ShareTarget, mastodon: SocialAccount
) -> None:
    bluesky = connect("bluesky", demo, outbound)
    delivery = publish(target, bluesky, outbound)
    with pytest.raises(actions.NotNow, match="cannot be changed"):
        wishes.ask_to_correct(delivery=delivery, text="Other.", by=None)
    delivery = publish(target, mastodon, outbound)
    with pytest.raises(actions.NotNow, match="must stay in the text"):
        wishes.ask_to_correct(delivery=delivery, text="Other.", by=None)
    with pytest.raises(actions.NotNow, match="the same"):
        wishes.ask_to_correct(delivery=delivery, text=delivery.text, by=None)


def test_a_wish_can_be_dropped_unless_the_network_is_being_asked(
    delivery: Delivery,
    demo: DemoNetwork,
    afterwards: Afterwards,
) -> None:
    wishes.ask_to_delete(delivery=delivery, by=None)
    fulfilling.take()
    with pytest.raises(actions.NotNow, match="being asked"):
        wishes.drop(delivery=delivery)
    PostWish.objects.update(lease_until=None)
    wishes.drop(delivery=delivery)
    assert fulfilling.fulfil(afterwards, seconds=30) == 0
    assert there(demo, delivery) == 1
    with pytest.raises(actions.NotNow):
        wishes.drop(delivery=delivery)


def test_what_is_not_on_its_network_cannot_be_deleted_there(
    delivery: Delivery,
    demo: DemoNetwork,
) -> None:
    SocialAccount.objects.update(state=SocialAccount.State.DISCONNECTED)
    with pytest.raises(actions.NotNow, match="disconnected"):
        wishes.ask_to_delete(delivery=delivery, by=None)
    Delivery.objects.update(state=S.UNKNOWN)
    with pytest.raises(actions.NotNow, match="unknown by now"):
        wishes.ask_to_delete(delivery=delivery, by=None)


def test_editors_are_asked_about_the_posts_of_a_page_that_is_gone(
    demo: DemoNetwork,
    outbound: Outbound,
    target: ShareTarget,
    mastodon: SocialAccount,
    shared: Shared,
) -> None:
    delivery = publish(target, mastodon, outbound)
    assert following.notices([delivery], shareables([target])) == {}
    shared.article.unpublish()
    [notice] = following.notices([delivery], shareables([target])).values()
    assert notice.why is Why.PAGE_GONE
    assert not PostWish.objects.exists()


@pytest.mark.parametrize("how", ["unpublish", "delete", "remove"])
def test_where_the_site_is_set_to_the_posts_of_a_page_that_is_gone_are_deleted(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
    shared: Shared,
    settings: Any,
    how: str,
) -> None:
    settings.DELETE_POSTS_OF_GONE_PAGES = True
    delivery = publish(target, mastodon, outbound)
    with transaction.atomic():
        if how == "unpublish":
            shared.article.unpublish()
        elif how == "delete":
            shared.article.delete()
        else:
            edit(shared.article, section("Another"))
    fulfil(afterwards, delivery)
    assert delivery.state == S.WITHDRAWN
    assert there(demo, delivery) == 0


def test_a_page_that_changed_asks_for_its_posts_until_somebody_looked(
    demo: DemoNetwork,
    outbound: Outbound,
    target: ShareTarget,
    mastodon: SocialAccount,
    shared: Shared,
) -> None:
    delivery = publish(target, mastodon, outbound)
    whole = ShareTarget.objects.get(code=shared.code)
    other = ShareTarget.objects.get(code=shared.sections["how"])
    of_article, of_other = (publish(each, mastodon, outbound) for each in (whole, other))
    Delivery.objects.update(published_at=clock() - timedelta(days=2))
    blocks = {row.slug: str(row.block_id) for row in shared.article.sections.live()}
    shared.article.sections.update(changed_at=clock() - timedelta(days=3))
    edit(
        shared.article,
        section("Why", summary="We did not know then.", id=blocks["why"]),
        section("How", id=blocks["how"]),
    )

    def asked() -> set[int]:
        deliveries = list(Delivery.objects.all())
        return set(following.notices(deliveries, shareables([target, whole, other])))

    assert asked() == {delivery.pk, of_article.pk}
    assert of_other.pk not in asked()
    following.still_right(delivery=delivery, by="Paul")
    assert asked() == {of_article.pk}
    assert delivery.attempts.filter(kind=DeliveryAttempt.Kind.PERSON).get().words.startswith("Paul")
