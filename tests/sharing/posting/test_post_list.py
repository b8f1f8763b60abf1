"""The list of posts: what it shows to whom, what it finds, and how many queries it takes."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from articles.models import HomePage
from sharing.models import Delivery, ShareTarget, SocialAccount, SocialPost
from sharing.posting import actions
from sharing.posting.actions import Timing
from sharing.posting.claims import clock
from sharing.posting.states import DeliveryState
from tests.sharing.conftest import Shared, shared_article
from tests.sharing.posting.conftest import AT_PUBLISH, NOW, add_account, wording

pytestmark = pytest.mark.django_db
S = DeliveryState


def post(
    shared: Shared,
    *accounts: SocialAccount,
    text: str = "Sleep well.",
    timing: Timing = NOW,
    approved: bool = True,
    by: User | None = None,
    **values: Any,
) -> SocialPost:
    """Write a post about an article to some accounts, with other values in its deliveries."""
    composed = actions.compose(
        target=ShareTarget.objects.get(code=shared.code),
        wordings=[wording(each, text) for each in accounts],
        timing=timing,
        by=by,
        approved=approved,
    )
    if values:
        composed.deliveries.update(**values)
    return composed


def published(at: Any = None) -> dict[str, Any]:
    """Return what a published delivery has."""
    return {
        "state": S.PUBLISHED,
        "remote_id": "1",
        "published_at": at or clock(),
        "not_before": None,
    }


def page(client: Client, **asked: Any) -> str:
    answer = client.get(reverse("posts"), asked)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def shown(client: Client, **asked: Any) -> list[int]:
    """Return the posts in the list, in its order."""
    listed = re.findall(
        r'class="title-wrapper"> <a href="/admin/posts/(\d+)/"', page(client, **asked)
    )
    return [int(each) for each in listed]


def test_an_empty_list_says_what_posts_are_and_where_one_begins(
    editor: Client, home: HomePage
) -> None:
    text = page(editor)
    assert "There are no posts yet" in text
    assert reverse("wagtailadmin_explore_root") in text
    assert "No post matches" not in text


def test_a_post_is_shown_once_with_each_of_its_deliveries(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    other = add_account("other@social.example")
    first = post(shared, account, other)
    first.deliveries.filter(account=other).update(state=S.FAILED, problem="Too long.")
    second = post(shared, account, timing=AT_PUBLISH, text="Rest <b>well</b>.")
    assert shown(editor) == [second.pk, first.pk]
    text = page(editor)
    for words in ("sleep@social.example", "other@social.example", "Failed", "When published",
                  "Rest &lt;b&gt;well&lt;/b&gt;."):  # fmt: skip
        assert words in text


def test_overdue_is_computed_when_looked_at(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    delivery = post(shared, account).deliveries.get()
    assert "post-state--overdue" not in page(editor)
    assert shown(editor, state="overdue") == []
    Delivery.objects.update(due_at=clock() - timedelta(seconds=61))
    assert shown(editor, state="overdue") == [delivery.post_id]
    assert 'post-state--overdue">Overdue' in page(editor)
    Delivery.objects.update(**published())
    assert shown(editor, state="overdue") == []


def test_filters_ask_one_and_the_same_delivery(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    edith = User.objects.get(username="edith")
    other = add_account("other@social.example")
    both = post(shared, account, other, by=edith)
    both.deliveries.filter(account=other).update(state=S.FAILED)
    alone = post(shared, account, state=S.UNKNOWN)
    old = post(shared, other, **published(clock() - timedelta(days=40)))
    assert shown(editor, state="failed") == [both.pk]
    assert shown(editor, state="person") == [alone.pk, both.pk]
    assert shown(editor, state=["failed", "published"]) == [old.pk, both.pk]
    assert shown(editor, account=other.pk) == [old.pk, both.pk]
    assert shown(editor, state="failed", account=account.pk) == []
    assert shown(editor, network="bluesky") == []
    assert shown(editor, network="mastodon", state="published") == [old.pk]
    assert shown(editor, author=edith.pk) == [both.pk]
    since = (clock() - timedelta(days=1)).date().isoformat()
    assert shown(editor, went_out_from=since) == [alone.pk, both.pk]
    assert shown(editor, went_out_to=since) == [old.pk]
    assert "No post matches" in page(editor, network="bluesky")


def test_a_search_finds_words_of_the_page_and_of_the_post(
    editor: Client, shared: Shared, home: HomePage, account: SocialAccount
) -> None:
    rest = post(shared_article(home, "Rest"), account, text="Lie down.")
    sleep = post(shared, account, text="Close your eyes 100%.")
    assert shown(editor, q="rest") == [rest.pk]
    assert shown(editor, q="EYES 100%") == [sleep.pk]
    assert shown(editor, q='"; drop') == []
    answer = editor.get(reverse("posts_results"), {"q": "rest"})
    assert f"/admin/posts/{rest.pk}/" in answer.content.decode()


def test_a_filter_that_was_made_up_is_no_error(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    post(shared, account)
    for asked in (
        {"state": "nonsense"},
        {"account": "x"},
        {"went_out_from": "32.13."},
        {"p": "999"},
    ):
        answer = editor.get(reverse("posts_results"), asked)
        assert "Sleep" in answer.content.decode(), asked


def test_the_list_takes_as_many_queries_for_many_posts_as_for_one(
    superuser: Client,
    shared: Shared,
    home: HomePage,
    account: SocialAccount,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    post(shared, account, **published())
    superuser.get(reverse("posts"))
    with django_assert_num_queries(QUERIES):
        superuser.get(reverse("posts"))
    others = [add_account(f"{number}@social.example") for number in range(3)]
    for title in ("Rest", "Naps", "Dreams"):
        post(shared_article(home, title), *others, **published())
    with django_assert_num_queries(QUERIES):
        superuser.get(reverse("posts"))


# Session and user, the admin's own, then posts: count, rows, deliveries, wishes, what they are about, what changed.
QUERIES = 18


def test_whoever_may_not_edit_the_page_does_not_see_its_posts(
    editor: Client, reader: Client, shared: Shared, account: SocialAccount
) -> None:
    about = post(shared, account)
    assert shown(editor) == [about.pk]
    User.objects.get(username="edith").groups.clear()
    assert editor.get(reverse("posts")).status_code == 302
    assert reader.get(reverse("posts")).status_code == 302


def test_a_page_that_is_gone_asks_about_its_post(
    superuser: Client, shared: Shared, account: SocialAccount
) -> None:
    about = post(shared, account, **published())
    assert "Its page is gone" not in page(superuser)
    shared.article.unpublish()
    text = page(superuser)
    assert "Its page is gone: delete the post there?" in text
    assert f"/admin/posts/{about.pk}/#delivery-{about.deliveries.get().pk}" in text
    assert "Article, not published" in text


def test_the_first_page_of_the_admin_tells_of_posts_that_need_a_person(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    first = post(shared, account)
    home_page = editor.get(reverse("wagtailadmin_home")).content.decode()
    assert "failed or unknown" not in home_page
    assert "/admin/posts/" in home_page
    first.deliveries.update(state=S.UNKNOWN)
    home_page = editor.get(reverse("wagtailadmin_home")).content.decode()
    assert "failed or unknown" in home_page
    assert "/admin/posts/?state=person" in home_page
