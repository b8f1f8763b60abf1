"""The automatic posts beside posts that people write: an account gets one about the same, unless a person asks twice."""

import re
from unittest import mock

import pytest
from django.test import Client

from articles.models import ArticlePage, HomePage
from sharing.models import Delivery, ShareTarget, SocialAccount
from sharing.posting.states import DeliveryState
from tests.factories import add_draft, section
from tests.sharing.posting.conftest import add_account
from tests.sharing.posting.test_auto_posts import rule
from tests.sharing.posting.test_composer import FAR, compose_url, refused, typed

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.any_database,
    pytest.mark.usefixtures("servers_are_not_asked"),
]
S = DeliveryState
SAID = "The automatic posts will also post this here when it is published."
LEFT_OUT = "The automatic posts left this account out: it has a post about this already."


@pytest.fixture
def mastodon(db: None) -> SocialAccount:
    return add_account("@sleep@social.example")


@pytest.fixture
def other(db: None) -> SocialAccount:
    return add_account("@other@social.example")


@pytest.fixture
def draft(home: HomePage) -> ArticlePage:
    return add_draft(home, section("Why"), section("How"), title="Rest")


def target_of(publisher: Client, draft: ArticlePage, part: int | None = None) -> ShareTarget:
    """Return what a post is written about, begun as an editor does."""
    block = "article" if part is None else str(draft.body[part].id)
    publisher.get(f"/admin/posts/about/{draft.pk}/{block}/")
    return ShareTarget.objects.get(page_id=draft.pk, block_id=None if part is None else block)


def publish(draft: ArticlePage) -> None:
    ArticlePage.objects.get(pk=draft.pk).get_latest_revision().publish()


def going(account: SocialAccount) -> list[str]:
    """Return who wrote what goes out with an account."""
    rows = Delivery.objects.filter(account=account, state=S.APPROVED, due_at__isnull=False)
    return sorted(rows.values_list("purpose", flat=True))


@pytest.mark.parametrize(
    "fields",
    [
        {"when": "publish"},
        {"when": "publish", "action": "draft"},
        {"when": "time", "local_time": FAR},
    ],
)
def test_an_account_with_a_post_of_its_own_is_left_out_in_sight(
    publisher: Client,
    draft: ArticlePage,
    mastodon: SocialAccount,
    other: SocialAccount,
    fields: dict[str, str],
) -> None:
    rule(mastodon, other)
    target = target_of(publisher, draft)
    publisher.post(compose_url(target), typed(mastodon, text="My own words.", **fields))
    publish(draft)
    assert going(other) == ["first"]
    assert "first" not in going(mastodon)
    left_out = Delivery.objects.get(account=mastodon, purpose="first")
    assert (left_out.state, left_out.problem) == (S.CANCELLED, LEFT_OUT)
    assert LEFT_OUT in publisher.get(f"/admin/pages/{draft.pk}/edit/").content.decode()
    assert LEFT_OUT in publisher.get(f"/admin/posts/{left_out.post_id}/").content.decode()


def test_both_in_one_publication_make_one_post(
    publisher: Client, draft: ArticlePage, mastodon: SocialAccount
) -> None:
    rule(mastodon, sections="all")
    target = target_of(publisher, draft, 0)
    publisher.post(compose_url(target), typed(mastodon, when="publish"))
    publish(draft)
    about = Delivery.objects.filter(state=S.APPROVED).values_list("target__label", "purpose")
    assert sorted(about) == [("How", "first"), ("Rest", "first"), ("Why", "post")]


def test_no_later_publication_posts_in_the_place_of_what_was_left_out(
    publisher: Client, draft: ArticlePage, mastodon: SocialAccount
) -> None:
    rule(mastodon)
    target = target_of(publisher, draft)
    publisher.post(compose_url(target), typed(mastodon, when="publish"))
    publish(draft)
    Delivery.objects.filter(purpose="post").update(state=S.CANCELLED)
    publish(draft)
    assert going(mastodon) == []


def test_after_the_automatic_post_a_second_one_must_be_asked_for(
    publisher: Client, draft: ArticlePage, mastodon: SocialAccount
) -> None:
    rule(mastodon)
    publish(draft)
    target = ShareTarget.objects.get(page_id=draft.pk, block_id=None)
    refused(publisher.post(compose_url(target), typed(mastodon)), "tick “Post again”")
    assert Delivery.objects.count() == 1


def test_a_text_that_cannot_be_sent_of_an_account_that_is_left_out_keeps_nobody_back(
    publisher: Client, draft: ArticlePage, mastodon: SocialAccount
) -> None:
    bluesky = SocialAccount.objects.create(
        network="bluesky", host="pds.example", remote_id="did:plc:x", handle="@sleep.example"
    )
    rule(mastodon, bluesky)
    target = target_of(publisher, draft)
    with mock.patch("sharing.posting.auto_posts.queries.default_template", return_value="x" * 400):
        publisher.post(compose_url(target), typed(bluesky, when="publish"))
        publish(draft)
    assert going(mastodon) == ["first"]


@pytest.mark.parametrize(
    ("values", "part", "is_said"),
    [
        ({}, None, True),
        ({"is_on": False}, None, False),
        ({"article": False}, None, False),
        ({"sections": "first"}, 0, True),
        ({"sections": "first"}, 1, False),
        ({"sections": "all"}, 1, True),
        ({}, 0, False),
    ],
)
def test_the_composer_says_where_the_rule_will_post(
    publisher: Client,
    draft: ArticlePage,
    mastodon: SocialAccount,
    other: SocialAccount,
    values: dict[str, object],
    part: int | None,
    is_said: bool,
) -> None:
    rule(mastodon, **values)
    target = target_of(publisher, draft, part)

    def said() -> int:
        html = publisher.get(compose_url(target)).content.decode()
        return re.sub(r"\s+", " ", html).count(SAID)

    assert said() == is_said
    publisher.post(compose_url(target), typed(mastodon, when="publish"))
    assert said() == 0, "that post is the one that goes out"
    publish(draft)
    assert said() == 0
