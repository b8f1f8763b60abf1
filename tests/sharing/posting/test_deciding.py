"""Approving and moving a post: what was seen is what goes out, at a time that it can go out at."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from articles.models import ArticlePage, HomePage
from sharing.models import Delivery, ShareTarget, SocialAccount, SocialPost
from sharing.posting import actions, drafting, installation
from sharing.posting.actions import NotNow, Timing, Wording
from sharing.posting.claims import clock
from sharing.posting.drafting import MendFirst, NotThen, Unseen
from sharing.posting.states import DeliveryState
from tests.factories import add_draft, edit
from tests.sharing.conftest import Shared
from tests.sharing.posting.conftest import AT_PUBLISH, NOW
from tests.sharing.posting.test_composer_surroundings import at_once
from tests.sharing.posting.test_post_list import post

pytestmark = pytest.mark.django_db
S = DeliveryState
LATER = Timing(SocialPost.When.AT_TIME, "2099-03-01T10:00", "UTC")


@pytest.fixture
def draft(shared: Shared, account: SocialAccount) -> Delivery:
    """Return a draft about a published article, planned for long after."""
    return post(shared, account, timing=LATER, approved=False).deliveries.get()


@pytest.fixture
def unpublished(home: HomePage) -> ShareTarget:
    """Return an article that nobody can read yet."""
    article = add_draft(home, title="Rest")
    return ShareTarget.objects.get_or_create(
        page_id=article.pk, block_id=None, defaults={"label": "Rest", "code": "restrest"}
    )[0]


def state(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


def send(client: Client, name: str, delivery: Delivery, **fields: str) -> Any:
    return client.post(reverse(name, args=[delivery.post_id]), fields)


def said(answer: Any) -> str:
    return [str(each) for each in get_messages(answer.wsgi_request)][-1]


def main_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


# Moving


def test_a_post_is_not_moved_to_now_while_nobody_can_read_its_page(
    publisher: Client, unpublished: ShareTarget, account: SocialAccount
) -> None:
    written = actions.compose(
        target=unpublished,
        wordings=[Wording(account.pk, "Rest.", actions.new_link_code())],
        timing=AT_PUBLISH,
        by=None,
        approved=True,
    )
    delivery = written.deliveries.get()
    answer = send(publisher, "post_reschedule", delivery, when="now")
    assert answer.status_code == 200
    assert "It is not published yet, so a link would lead nowhere." in main_of(answer)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.due_at) == (S.APPROVED, None)
    written.refresh_from_db()
    assert written.when == SocialPost.When.AT_PUBLISH


def test_a_post_is_not_moved_to_a_publication_that_need_not_come(
    publisher: Client, shared: Shared, draft: Delivery
) -> None:
    answer = send(publisher, "post_reschedule", draft, when="publish")
    assert "There is nothing to publish." in main_of(answer)
    edit(shared.article, title="Sleep longer", publish=False)
    assert send(publisher, "post_reschedule", draft, when="publish").status_code == 302
    draft.refresh_from_db()
    assert draft.due_at is None


def test_a_post_is_not_moved_into_the_past(publisher: Client, draft: Delivery) -> None:
    asked = {"when": "time", "local_time": "2020-01-01T10:00", "time_zone": "UTC"}
    answer = send(publisher, "post_reschedule", draft, **asked)
    assert "This time is over." in main_of(answer)
    assert "2020-01-01T10:00" in main_of(answer), "nothing that was typed is lost"
    assert re.findall(r'<input[^>]*name="(\w+)"[^>]*autofocus', main_of(answer)) == ["local_time"]
    draft.refresh_from_db()
    assert draft.due_at is not None
    assert draft.due_at.year == 2099


def test_a_post_about_a_page_that_was_deleted_is_not_moved(
    superuser: Client, shared: Shared, draft: Delivery
) -> None:
    ArticlePage.objects.get(pk=shared.article.pk).delete()
    Delivery.objects.update(state=S.DRAFT)
    answer = send(superuser, "post_reschedule", draft, when="now")
    assert "there is nothing to link to" in main_of(answer)
    draft.refresh_from_db()
    assert draft.due_at is not None
    assert draft.due_at.year == 2099


def test_a_draft_that_was_approved_meanwhile_is_no_longer_an_editors_to_move(
    draft: Delivery,
) -> None:
    actions.approve(post=draft.post, by=None)
    with pytest.raises(NotNow, match="A publisher has approved this post"):
        drafting.reschedule(post=draft.post, timing=NOW, may_approve=False)
    drafting.reschedule(post=draft.post, timing=NOW, may_approve=True)
    draft.refresh_from_db()
    assert draft.due_at is not None
    assert draft.due_at - clock() < timedelta(hours=1)


# Approving


def test_a_button_that_does_not_say_what_was_seen_approves_nothing(
    publisher: Client, draft: Delivery
) -> None:
    for seen in ({}, {"seen": ""}, {"seen": "yesterday"}, {"seen": "9999-12-31T23:59:59+00:00"}):
        answer = send(publisher, "post_approve", draft, **seen)
        assert "was changed since you opened it" in said(answer)
        assert answer["Location"] == reverse("post", args=[draft.post_id])
        assert state(draft) == S.DRAFT


def test_the_posts_page_approves_what_it_shows_and_nothing_that_came_after(
    publisher: Client, draft: Delivery
) -> None:
    def seen() -> str:
        html = publisher.get(reverse("post", args=[draft.post_id])).content.decode()
        found = re.search(r'name="seen" value="([^"]*)"', html)
        assert found
        return found[1]

    old = seen()
    drafting.reschedule(
        post=draft.post,
        timing=Timing(SocialPost.When.AT_TIME, "2098-03-01T10:00", "UTC"),
        may_approve=False,
    )
    send(publisher, "post_approve", draft, seen=old)
    assert state(draft) == S.DRAFT
    send(publisher, "post_approve", draft, seen=seen())
    assert state(draft) == S.APPROVED


def test_an_approval_that_was_withdrawn_meanwhile_is_not_given_again_by_an_old_page(
    shared: Shared, account: SocialAccount, draft: Delivery
) -> None:
    before = draft.post.changed_at
    actions.approve(post=draft.post, by=None)
    actions.withdraw_approval(post=draft.post, by=None)
    with pytest.raises(Unseen):
        drafting.approve(post=draft.post, by=None, seen=before)
    assert state(draft) == S.DRAFT


def test_what_must_be_mended_or_cannot_go_out_then_is_not_approved(
    shared: Shared, draft: Delivery
) -> None:
    def approve() -> int:
        draft.post.refresh_from_db()
        return drafting.approve(post=draft.post, by=None, seen=draft.post.changed_at)

    Delivery.objects.update(problem="{author} is no variable")
    with pytest.raises(MendFirst, match="author"):
        approve()
    Delivery.objects.update(problem=installation.HELD_BACK)
    SocialPost.objects.update(local_time="2020-01-01T10:00")
    with pytest.raises(NotThen, match="This time is over"):
        approve()
    SocialPost.objects.update(local_time="2099-01-01T10:00")
    assert approve() == 1, "what a copy held back was looked for by whoever approves it"
    assert approve() == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_who_approve_and_change_at_once_nobody_sends_what_no_publisher_saw(
    shared: Shared, draft: Delivery
) -> None:
    seen = draft.post.changed_at

    def approving() -> Any:
        return drafting.approve(post=draft.post, by=None, seen=seen)

    def changing() -> Any:
        code = draft.link_code
        drafting.revise(
            post=draft.post,
            wordings=[Wording(draft.account_id, "Nobody saw this.", code)],
            timing=LATER,
            by=None,
            approved=False,
            form_key=uuid4(),
            seen=seen,
        )

    calls: list[Callable[[], Any]] = [approving, changing]
    approved, changed = at_once(*calls)
    assert changed is None
    assert approved == 1 or isinstance(approved, Unseen)
    draft.refresh_from_db()
    assert (draft.state, draft.text) == (S.DRAFT, "Nobody saw this.")
