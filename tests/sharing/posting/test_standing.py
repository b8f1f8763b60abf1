"""How a post stands, in one set of words wherever editors see it."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from sharing.models import Delivery, PostWatch, ShareTarget, SocialAccount
from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Outbound
from sharing.posting import observing
from sharing.posting.afterwards import Afterwards
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import add_account
from tests.sharing.posting.published import publish
from tests.sharing.posting.test_ledger import text_of
from tests.sharing.posting.test_observing import look, popular
from tests.sharing.posting.test_post_list import post, published, shown

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
GONE = "Published, gone there"


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    return ShareTarget.objects.get(code=shared.code)


def gone(shared: Shared) -> Delivery:
    """Return a published post that its network did not show at the last look."""
    when = datetime(2026, 11, 20, 9, tzinfo=UTC)
    delivery = post(shared, add_account(), **published(when)).deliveries.get()
    PostWatch.objects.create(delivery=delivery, problem=observing.GONE)
    return delivery


def test_a_post_that_is_gone_there_is_told_wherever_posts_are_shown(
    publisher: Client, shared: Shared, target: ShareTarget
) -> None:
    delivery = gone(shared)
    post(shared, add_account("@other@social.example"), **published())
    for address, is_once in (
        (reverse("posts"), False),
        (reverse("posts_calendar") + "?month=2026-11", True),
        (reverse("post", args=[delivery.post_id]), False),
        (reverse("post_compose", args=[target.pk]), True),
        (f"/admin/pages/{shared.article.pk}/edit/", True),
    ):
        text = text_of(publisher.get(address))
        place = text.index(f"{GONE}</s")
        assert 'class="icon icon-warning' in text[place - 150 : place], address
        assert text.count(f"{GONE}</s") == 1, address
        assert not is_once or "--gone" in text, address
    said = text_of(publisher.get(reverse("post", args=[delivery.post_id])))
    assert "Mastodon no longer shows it: it was deleted or hidden there." in said
    assert "The last look" not in said
    assert shown(publisher, state="gone") == [delivery.post_id]


def test_silence_after_that_does_not_bring_it_back_and_an_answer_does(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
) -> None:
    delivery = publish(target, mastodon, outbound)
    popular(demo, delivery, likes=7)
    popular(demo, delivery, gone=1)
    look(afterwards)
    assert observing.is_gone(Delivery.objects.get())
    demo.faults.due.append(Fault(Kind.ERROR_BEFORE, on="any"))
    look(afterwards)
    assert PostWatch.objects.get().failures == 2
    assert observing.is_gone(Delivery.objects.get())
    popular(demo, delivery, gone=0)
    look(afterwards)
    assert not observing.is_gone(Delivery.objects.get())
