"""What waits for a page goes out with it, and is given up with it."""

import pytest
from django.test import Client
from redis import Redis

from articles.models import ArticlePage, HomePage
from sharing import actions as share_actions
from sharing.models import Delivery, ShareCount, ShareTarget, SocialAccount
from sharing.posting import actions, queries
from sharing.posting.states import DeliveryState
from tests.factories import add_draft, edit, section
from tests.services import events_server
from tests.sharing.conftest import Shared, shared_article
from tests.sharing.posting.conftest import AT_PUBLISH, NOW, wording

pytestmark = pytest.mark.django_db
S = DeliveryState


def post(target: ShareTarget, account: SocialAccount, timing: actions.Timing = NOW) -> Delivery:
    composed = actions.compose(
        target=target, wordings=[wording(account)], timing=timing, by=None, approved=True
    )
    return composed.deliveries.get()


def state(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


def target_of(code: str) -> ShareTarget:
    return ShareTarget.objects.get(code=code)


def test_a_draft_that_is_saved_cancels_nothing_and_its_publication_sends(
    home: HomePage, account: SocialAccount
) -> None:
    article = add_draft(home, section("Why"), title="Rest")
    target = ShareTarget.objects.create(page_id=article.pk, label="Rest")
    delivery = post(target, account, AT_PUBLISH)
    article.title = "Rest well"
    article.save()
    assert state(delivery) == S.APPROVED
    assert delivery.not_before is None
    article.save_revision().publish()
    assert state(delivery) == S.APPROVED
    assert delivery.not_before is not None


def test_unpublishing_gives_up_what_waits_for_the_article_and_its_sections(
    shared: Shared, account: SocialAccount, home: HomePage
) -> None:
    whole, part = (
        post(target_of(shared.code), account),
        post(target_of(shared.sections["why"]), account),
    )
    other = post(target_of(shared_article(home, "Rest").code), account)
    shared.article.unpublish()
    assert state(whole) == state(part) == S.CANCELLED
    assert whole.problem == "The page was unpublished."
    assert state(other) == S.APPROVED


def test_deleting_gives_up_what_waits(shared: Shared, account: SocialAccount) -> None:
    delivery = post(target_of(shared.code), account)
    ArticlePage.objects.get(pk=shared.article.pk).delete()
    assert state(delivery) == S.CANCELLED
    assert delivery.problem == "The page was deleted."


def test_removing_a_section_gives_up_its_posts_alone(
    shared: Shared, account: SocialAccount
) -> None:
    whole, part = (
        post(target_of(shared.code), account),
        post(target_of(shared.sections["why"]), account),
    )
    edit(shared.article, section("Something else"))
    assert state(part) == S.CANCELLED
    assert "removed" in part.problem
    assert state(whole) == S.APPROVED


def test_the_short_link_of_a_post_leads_to_the_page_and_is_counted_as_the_posts(
    shared: Shared, account: SocialAccount, reader: Client
) -> None:
    delivery = post(target_of(shared.sections["why"]), account)
    answer = reader.get(f"/s/{delivery.link_code}/")
    assert answer.status_code == 302
    assert answer["Location"].endswith("/sleep/why/")
    share_actions.drain()
    counted = ShareCount.objects.get()
    assert (counted.channel, counted.share_class) == (f"post-{delivery.link_code}", "arrival")
    assert "sleep@social.example" in queries.link_names([delivery.link_code])[delivery.link_code]


def test_a_link_that_no_post_has_is_not_found(shared: Shared, reader: Client) -> None:
    assert reader.get("/s/aaaaaaaaaaa/").status_code == 404


def test_the_link_of_a_deleted_page_says_so(
    shared: Shared, account: SocialAccount, reader: Client
) -> None:
    delivery = post(target_of(shared.code), account)
    ArticlePage.objects.get(pk=shared.article.pk).delete()
    assert reader.get(f"/s/{delivery.link_code}/").status_code == 410


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_told_when_the_page_is_published(
    home: HomePage, account: SocialAccount
) -> None:
    article = add_draft(home, section("Why"), title="Rest")
    post(ShareTarget.objects.create(page_id=article.pk, label="Rest"), account, AT_PUBLISH)
    with Redis.from_url(f"unix://{events_server.socket}") as client:
        assert client.llen("celery") == 0
        article.save_revision().publish()
        assert client.llen("celery") == 1
