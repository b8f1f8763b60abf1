"""How a post stands, in one set of words wherever editors see it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sharing.models import Delivery, PostWatch, ShareTarget, SocialAccount, SocialPost
from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Outbound
from sharing.posting import observing
from sharing.posting.actions import Timing
from sharing.posting.admin.standing import standing
from sharing.posting.afterwards import Afterwards
from sharing.posting.claims import clock
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import AT_PUBLISH, NOW, add_account
from tests.sharing.posting.published import publish
from tests.sharing.posting.test_composer import compose_url, refused, text_area, typed
from tests.sharing.posting.test_ledger import text_of
from tests.sharing.posting.test_observing import look, popular
from tests.sharing.posting.test_post_list import post, published, shown

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
GONE = "Published, gone there"
SOON, FAR = datetime(2099, 6, 1, 9, tzinfo=UTC), datetime(2099, 6, 2, 9, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("account", "planned", "due", "at_publish"),
    [
        (
            {},
            "It goes out by itself.",
            "It goes out within seconds.",
            "It goes out when its page is published.",
        ),
        (
            {"state": "paused"},
            "It goes out by itself, but not while the account sleep@social.example is paused.",
            "It waits: the account sleep@social.example is paused.",
            "It goes out when its page is published, but not while the account sleep@social.example is paused.",
        ),
        (
            {"state": "expired"},
            "It goes out by itself, but not before the account sleep@social.example is connected again.",
            "It waits: the account sleep@social.example must be connected again first.",
            "It goes out when its page is published, but not before the account sleep@social.example is connected"
            " again.",
        ),
        (
            {"silent_until": SOON, "problem": "Too many."},
            "It goes out by itself.",
            "It waits: Mastodon is left alone until 1 June 2099, 09:00 (UTC): Too many.",
            "It goes out when its page is published.",
        ),
        (
            {"silent_until": FAR + timedelta(days=1), "problem": "Too many."},
            "It waits: Mastodon is left alone until 3 June 2099, 09:00 (UTC): Too many.",
            "It waits: Mastodon is left alone until 3 June 2099, 09:00 (UTC): Too many.",
            "It goes out when its page is published.",
        ),
    ],
)
def test_one_true_thing_is_said_of_what_is_to_go_out(
    shared: Shared, account: dict[str, Any], planned: str, due: str, at_publish: str
) -> None:
    to = add_account(**account)
    now = clock()

    def said(timing: Timing, **values: Any) -> str:
        post(shared, to, timing=timing, **values)
        delivery = Delivery.objects.select_related("account", "post", "watch").latest("pk")
        return standing(delivery, now).sentence

    at = Timing(SocialPost.When.AT_TIME, "2099-06-02T09:00", "UTC")
    assert said(at) == planned
    assert said(NOW, not_before=now, due_at=now) == due
    assert said(AT_PUBLISH) == at_publish


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("paused", "sleep@social.example was paused meanwhile."),
        (
            "expired",
            "sleep@social.example must be connected again before anything is sent with it.",
        ),
        ("disconnected", "An account that you chose was disconnected meanwhile."),
    ],
)
def test_the_composer_says_why_an_account_cannot_be_chosen(
    publisher: Client, target: ShareTarget, state: str, words: str
) -> None:
    add_account("@other@social.example")
    account = add_account(state=state)
    html = refused(publisher.post(compose_url(target), typed(account)), words)
    assert text_area(html) == "Sleep well."


def test_a_post_has_one_time_with_its_zone_wherever_it_is_told(
    publisher: Client, shared: Shared, target: ShareTarget
) -> None:
    planned = Timing(SocialPost.When.AT_TIME, "2027-10-31T01:30", "Europe/Zurich")
    delivery = post(shared, add_account(), timing=planned).deliveries.get()
    for address, times in (
        (reverse("posts"), 2),
        (reverse("post", args=[delivery.post_id]), 2),
        (reverse("post_compose", args=[target.pk]), 2),
        (f"/admin/pages/{shared.article.pk}/edit/", 2),
    ):
        text = text_of(publisher.get(address))
        assert text.count("31 October 2027, 01:30 (Europe/Zurich)") == times, address
        assert "30 October 2027" not in text, address


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
