"""Numbers of our own posts come back from the networks, with their source and age."""

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from sharing import queries, recounting
from sharing.models import (
    Delivery,
    PostNumber,
    PostWatch,
    ShareCount,
    ShareTarget,
    SocialAccount,
)
from sharing.networks.demo import DemoNetwork, Fault, Kind
from sharing.networks.http import Outbound
from sharing.posting import observing
from sharing.posting.afterwards import Afterwards
from sharing.posting.claims import LEASE, clock
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import connect
from tests.sharing.posting.published import publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    """Return the article."""
    return ShareTarget.objects.get(code=shared.code)


def popular(demo: DemoNetwork, delivery: Delivery, **numbers: int) -> None:
    [post] = demo.truth.holding(delivery.link_code)
    for name, value in numbers.items():
        setattr(post, name, value)


def look(afterwards: Afterwards) -> int:
    """Look at everything that is watched, whenever it is due."""
    observing.watch_new()
    PostWatch.objects.exclude(due_at=None).update(due_at=clock())
    SocialAccount.objects.update(silent_until=None)
    return observing.observe_due(afterwards, seconds=30)


def numbers(delivery: Delivery) -> dict[str, int]:
    return dict(delivery.numbers.values_list("name", "value"))


def due_at() -> datetime:
    """Return when the one post is looked at next."""
    moment = PostWatch.objects.get().due_at
    assert moment is not None
    return moment


def observed(target: ShareTarget) -> int:
    return queries.counts([target.pk])[target.pk].classes["observed"]


def test_numbers_are_read_with_their_source_and_the_last_ones_stay(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    each_account: SocialAccount,
) -> None:
    delivery = publish(target, each_account, outbound)
    popular(demo, delivery, reposts=3, likes=11, replies=2)
    assert look(afterwards) == 1
    told = {"reposts": 3, "likes": 11, "replies": 2}
    assert numbers(delivery) | told == numbers(delivery)
    row = delivery.numbers.get(name="likes")
    assert row.source == demo.netloc
    assert abs(clock() - row.as_of) < timedelta(minutes=5)
    popular(demo, delivery, likes=12, reposts=2)
    look(afterwards)
    assert numbers(delivery)["likes"] == 12
    assert numbers(delivery)["reposts"] == 2, "somebody took a repost back"


def test_a_failure_never_writes_a_number_and_is_asked_again_more_rarely(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    each_account: SocialAccount,
) -> None:
    delivery = publish(target, each_account, outbound)
    popular(demo, delivery, likes=7, reposts=1)
    look(afterwards)
    before = list(delivery.numbers.order_by("name").values())
    waited = due_at() - clock()
    kinds = (Kind.ERROR_BEFORE, Kind.HTML, Kind.BAD_JSON, Kind.SWALLOW_REPLY)
    for failures, kind in enumerate(kinds, start=1):
        demo.faults.due.append(Fault(kind, on="any"))
        look(afterwards)
        assert list(delivery.numbers.order_by("name").values()) == before, kind
        watch = PostWatch.objects.get()
        assert watch.failures == failures, kind
        assert watch.problem, kind
        waits = due_at() - clock()
        assert waits > waited + timedelta(minutes=5), kind
        waited = waits
    demo.faults.due.append(Fault(Kind.NO_ID, on="any"))
    look(afterwards)
    kept = delivery.numbers.order_by("name").values_list("name", "value")
    assert dict(kept) == {each["name"]: each["value"] for each in before}
    each_account.refresh_from_db()
    assert each_account.state == SocialAccount.State.ACTIVE
    look(afterwards)
    assert PostWatch.objects.get().failures == 0


def test_a_post_that_is_gone_keeps_its_numbers_and_says_so(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    each_account: SocialAccount,
) -> None:
    delivery = publish(target, each_account, outbound)
    popular(demo, delivery, likes=7)
    look(afterwards)
    popular(demo, delivery, gone=1)
    look(afterwards)
    assert numbers(delivery)["likes"] == 7
    assert PostWatch.objects.get().problem == "The network no longer shows this post."


def test_a_limit_of_the_accounts_server_keeps_posts_and_looks_waiting(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
) -> None:
    for text in ("One.", "Two.", "Three."):
        publish(target, mastodon, outbound, text)
    observing.watch_new()
    PostWatch.objects.update(due_at=clock())
    demo.faults.due.append(Fault(Kind.RATE_LIMIT, on="any"))
    asked = sum(demo.truth.asked.values())
    assert observing.observe_due(afterwards, seconds=30) == 0
    assert sum(demo.truth.asked.values()) - asked <= 1
    mastodon.refresh_from_db()
    assert mastodon.silent_until is not None
    assert mastodon.silent_until > clock()
    assert look(afterwards) == 3


def test_numbers_leave_the_last_of_the_allowance_to_posts(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
) -> None:
    publish(target, mastodon, outbound)
    SocialAccount.objects.update(budget=9, budget_until=clock() + timedelta(minutes=5))
    assert look(afterwards) == 0
    SocialAccount.objects.update(budget_until=clock() - timedelta(seconds=1))
    assert look(afterwards) == 1


def test_a_limit_of_the_service_that_counts_for_bluesky_stops_no_post(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = connect("bluesky", demo, outbound)
    publish(target, account, outbound)
    monkeypatch.setattr(
        "sharing.networks.posting.bluesky.Bluesky.counted_by",
        classmethod(lambda cls, account: "counts.example"),
    )
    demo.faults.due.append(Fault(Kind.RATE_LIMIT, on="any"))
    look(afterwards)
    account.refresh_from_db()
    assert account.silent_until is None
    assert PostWatch.objects.get().failures == 1


def test_looks_become_rarer_with_age_and_end() -> None:
    ages = [timedelta(minutes=1), timedelta(hours=7), timedelta(days=2), timedelta(days=20)]
    waits = [observing.wait_for(age) for age in ages]
    assert waits[0] == timedelta(minutes=10)
    assert waits == sorted(waits, key=lambda wait: wait or timedelta.max)
    assert len(set(waits)) == len(waits)
    assert observing.wait_for(timedelta(days=31)) is None


def test_a_post_is_looked_at_once_more_when_it_is_old_and_then_never_again(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
) -> None:
    delivery = publish(target, mastodon, outbound)
    look(afterwards)
    Delivery.objects.update(published_at=clock() - timedelta(days=31))
    popular(demo, delivery, likes=5)
    assert look(afterwards) == 1
    assert PostWatch.objects.get().due_at is None
    assert look(afterwards) == 0
    assert numbers(delivery)["likes"] == 5


def test_a_worker_that_dies_while_it_looks_is_followed_and_writes_nothing_itself(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    each_account: SocialAccount,
) -> None:
    delivery = publish(target, each_account, outbound)
    observing.watch_new()
    PostWatch.objects.update(due_at=clock())
    dead = observing.take()
    assert dead is not None
    popular(demo, delivery, likes=1)
    told = afterwards.observe(dead.account_id, dead.account, list(dead.remote_ids.values()))
    assert observing.take() is None
    PostWatch.objects.update(lease_until=clock() - LEASE)
    popular(demo, delivery, likes=2)
    assert observing.observe_due(afterwards, seconds=30) == 1
    observing.record(dead, told)
    assert numbers(delivery)["likes"] == 2


def test_reposts_are_counted_as_observed_once_and_in_no_total(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
    reader: Client,
    superuser: Client,
) -> None:
    one, two = (publish(target, mastodon, outbound, text) for text in ("One.", "Two."))
    popular(demo, one, reposts=3, likes=100, replies=9)
    popular(demo, two, reposts=2)
    for _ in range(3):
        look(afterwards)
    assert observed(target) == 5
    popular(demo, one, reposts=1)
    look(afterwards)
    assert observed(target) == 5, "it was shared, whatever was taken back"
    popular(demo, one, reposts=4)
    look(afterwards)
    assert observed(target) == 6
    assert queries.counts([target.pk])[target.pk].total == 0
    channels = set(ShareCount.objects.values_list("channel", flat=True))
    assert channels == {f"post-{one.link_code}", f"post-{two.link_code}"}
    assert recounting.verify() == 0
    page = re.sub(r"\s+", " ", reader.get(f"/share/{target.code}/").content.decode())
    assert "Observed: 6" in page
    assert "Told by the network when last asked. That was" in page
    PostNumber.objects.filter(delivery=one).update(as_of=clock() - timedelta(hours=20, minutes=1))
    PostNumber.objects.filter(delivery=two).update(as_of=clock() - timedelta(minutes=5, seconds=1))
    page = re.sub(r"\s+", " ", reader.get(f"/share/{target.code}/").content.decode())
    assert "when last asked. That was between 5 minutes and 20 hours ago." in page
    for query in ("", f"?article={target.page_id}", f"?title={target.label[:4]}"):
        report = re.sub(
            r"\s+", " ", superuser.get(reverse("shares_report") + query).content.decode()
        )
        assert "The network. Last asked between 5 minutes and 20 hours ago." in report, query
    assert "Not shared from this site yet" in page


def test_the_posts_page_tells_numbers_with_their_source_and_age(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    mastodon: SocialAccount,
    superuser: Client,
) -> None:
    delivery = publish(target, mastodon, outbound)

    def page() -> str:
        answer = superuser.get(reverse("post", args=[delivery.post_id]))
        return re.sub(r"\s+", " ", answer.content.decode())

    assert "No numbers were told yet. The first look is 10 minutes after publishing." in page()
    popular(demo, delivery, reposts=1, likes=2000)
    look(afterwards)
    PostNumber.objects.update(as_of=clock() - timedelta(minutes=20, seconds=5))
    assert "1 repost, 2,000 likes, 0 replies" in page()
    assert f"(from {demo.netloc}, 20 minutes ago)" in page()
    article = reverse("wagtailadmin_pages:edit", args=[target.page_id])
    panel = re.sub(r"\s+", " ", superuser.get(article).content.decode())
    assert f"1 repost, 2,000 likes, 0 replies (last told by {demo.netloc}, 20 minutes ago)" in panel


def test_a_network_that_tells_no_numbers_is_not_asked_and_its_post_is_not_called_gone(
    demo: DemoNetwork,
    outbound: Outbound,
    afterwards: Afterwards,
    target: ShareTarget,
    superuser: Client,
) -> None:
    delivery = publish(target, connect("telegram", demo, outbound), outbound)
    assert look(afterwards) == 0
    assert not PostWatch.objects.exists()
    # Of an earlier version.
    PostWatch.objects.create(delivery=delivery, due_at=clock(), problem="No longer shown.")
    look(afterwards)
    watch = PostWatch.objects.get()
    assert (watch.due_at, watch.lease_until, watch.problem) == (None, None, "")
    page = superuser.get(reverse("post", args=[delivery.post_id])).content.decode()
    assert "Telegram tells programs no numbers." in page
