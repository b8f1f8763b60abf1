"""The rule that posts by itself, at the first publication and never again."""

from html import unescape
from itertools import pairwise
from typing import Any
from unittest import mock

import pytest
from django.test import Client

from articles.models import ArticlePage, HomePage
from sharing.models import (
    AutoPostRule,
    Delivery,
    PostTemplate,
    ShareTarget,
    SocialAccount,
    SocialPost,
)
from sharing.posting import known_limits
from sharing.posting.states import DeliveryState
from tests.factories import add_article, add_draft, edit, section
from tests.sharing.posting.conftest import add_account

pytestmark = pytest.mark.django_db
S = DeliveryState


@pytest.fixture(autouse=True)
def _no_server_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*args: Any) -> None:
        raise AssertionError("whoever publishes waits for no network")

    monkeypatch.setattr(known_limits, "_ask", ask)


@pytest.fixture
def mastodon(db: None) -> SocialAccount:
    return add_account("@sleep@social.example")


def rule(*accounts: SocialAccount, **values: Any) -> AutoPostRule:
    made: AutoPostRule = AutoPostRule.objects.create(**{"is_on": True, "hours_apart": 0} | values)
    made.accounts.set(accounts)
    return made


def posted() -> list[str]:
    """Return what each post is about, in the order in which they go out."""
    rows = Delivery.objects.order_by("due_at", "pk").select_related("target")
    return [each.target.label for each in rows]


def test_nothing_is_posted_until_somebody_turns_it_on(
    home: HomePage, mastodon: SocialAccount
) -> None:
    rule(mastodon, is_on=False)
    add_article(home)
    assert posted() == []


def test_the_first_publication_is_posted_and_no_later_one(
    home: HomePage, mastodon: SocialAccount
) -> None:
    rule(mastodon)
    article = add_draft(home, title="Rest", search_description="How to rest.")
    assert posted() == []
    article.save_revision().publish()
    post = SocialPost.objects.get()
    delivery = post.deliveries.get()
    assert (post.purpose, post.created_by, delivery.state) == ("first", None, S.APPROVED)
    assert delivery.text.startswith("Rest\n\nHow to rest.\n\nhttp")
    assert delivery.not_before is not None
    edit(ArticlePage.objects.get(pk=article.pk), title="Rest more")
    article = ArticlePage.objects.get(pk=article.pk)
    article.unpublish()
    article.save_revision().publish()
    assert Delivery.objects.count() == 1


def test_what_was_published_before_the_rule_is_not_posted(
    home: HomePage, mastodon: SocialAccount
) -> None:
    article = add_article(home, section("Why"))
    rule(mastodon, sections="all")
    edit(article, title="Sleep longer")
    assert posted() == []


def test_an_account_that_joins_later_does_not_post_what_is_old(
    home: HomePage, mastodon: SocialAccount
) -> None:
    made = rule(mastodon)
    article = add_article(home)
    made.accounts.add(add_account("@other@social.example"))
    made.save()
    edit(article, title="Sleep longer")
    assert Delivery.objects.get().account == mastodon


@pytest.mark.parametrize(
    ("values", "about"),
    [
        ({"sections": "none"}, ["Sleep"]),
        ({"sections": "first"}, ["Sleep", "Why"]),
        ({"sections": "all"}, ["Sleep", "Why", "How"]),
        ({"sections": "all", "article": False}, ["Why", "How"]),
        ({"sections": "none", "article": False}, []),
    ],
)
def test_the_rule_says_what_is_posted_about(
    home: HomePage, mastodon: SocialAccount, values: dict[str, Any], about: list[str]
) -> None:
    rule(mastodon, hours_apart=1, **values)
    add_article(home, section("Why"), section("How"))
    assert posted() == about


def test_posts_are_spread_as_the_rule_says(home: HomePage, mastodon: SocialAccount) -> None:
    rule(mastodon, sections="all", hours_apart=24)
    add_article(home, section("Why"), section("How"))
    moments = [each.not_before for each in Delivery.objects.order_by("not_before")]
    gaps = [
        (later - earlier).total_seconds() / 3600
        for earlier, later in pairwise(moments)
        if later is not None and earlier is not None
    ]
    # Wall clocks have no seconds, and change once in a while.
    assert [round(gap) in {23, 24, 25} for gap in gaps] == [True, True]


def test_a_section_that_is_added_later_is_posted_once(
    home: HomePage, mastodon: SocialAccount
) -> None:
    rule(mastodon, sections="all", article=False)
    why, naps = section("Why"), section("Naps")
    article = add_article(home, why)
    edit(article, why, naps)
    edit(article, naps)
    edit(article, naps, why)
    assert posted() == ["Why", "Naps"]


@pytest.mark.parametrize("state", ["paused", "expired", "disconnected"])
def test_accounts_that_cannot_send_are_left_out(
    home: HomePage, mastodon: SocialAccount, state: str
) -> None:
    rule(mastodon, add_account("@off@social.example", state=state))
    add_article(home)
    assert Delivery.objects.get().account == mastodon


def test_a_template_that_went_wrong_leaves_a_draft_that_says_why_and_the_page_published(
    home: HomePage,
    mastodon: SocialAccount,
    publisher: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = PostTemplate.objects.create(name="Old", text="{title} {author} {link}")
    rule(mastodon, template=broken)
    article = add_article(home, title="Rest")
    assert ArticlePage.objects.get(pk=article.pk).live
    delivery = Delivery.objects.get()
    assert delivery.state == S.DRAFT
    assert "{author} is no variable" in delivery.problem
    assert delivery.text.startswith("Rest {author} http")
    monkeypatch.undo()
    known_limits.memory.note(("mastodon", "social.example"), None)
    address = f"/admin/posts/{delivery.post_id}/"
    answer = publisher.post(
        f"{address}approve/", {"seen": delivery.post.changed_at.isoformat()}, follow=True
    )
    assert "Mend it first: {author} is no variable" in unescape(answer.content.decode())
    assert Delivery.objects.get().state == S.DRAFT, "it must be mended first"
    html = publisher.get(f"{address}edit/").content.decode()
    assert "Rest {author} {link}" in html


def test_a_rule_that_fails_altogether_leaves_the_page_published(
    home: HomePage, mastodon: SocialAccount, caplog: pytest.LogCaptureFixture
) -> None:
    rule(mastodon)
    with mock.patch("sharing.posting.actions.compose", side_effect=RuntimeError("broken")):
        article = add_article(home)
    assert ArticlePage.objects.get(pk=article.pk).live
    assert ShareTarget.objects.filter(page_id=article.pk).exists()
    assert "published without the posts of the rule" in caplog.text


def test_without_a_template_of_its_own_the_default_is_used(
    home: HomePage, mastodon: SocialAccount
) -> None:
    PostTemplate.objects.create(name="Mine", text="New: {title} {link}", is_default=True)
    rule(mastodon)
    add_article(home, title="Rest")
    assert Delivery.objects.get().text.startswith("New: Rest http")


def test_the_form_of_the_rule_is_saved_by_an_administrator(
    administrator: Client, editor: Client, mastodon: SocialAccount
) -> None:
    page = administrator.get("/admin/settings/sharing/autopostrule/", follow=True)
    address = page.redirect_chain[-1][0]
    answer = administrator.post(
        address,
        {
            "is_on": "on",
            "article": "on",
            "sections": "first",
            "hours_apart": "12",
            "accounts": [str(mastodon.pk)],
            "template": "",
        },
    )
    assert answer.status_code == 302
    made = AutoPostRule.objects.get()
    assert made.is_on
    assert list(made.accounts.all()) == [mastodon]
    refused = administrator.post(address, {"sections": "all", "hours_apart": "9999"})
    assert "At most 672 hours" in refused.content.decode()
    assert editor.get(address).status_code == 302


def test_a_rule_that_is_on_needs_an_account_and_says_so_once_none_can_post(
    administrator: Client, mastodon: SocialAccount
) -> None:
    made = rule(mastodon)
    address = f"/admin/settings/sharing/autopostrule/{made.pk}/"
    fields = {"is_on": "on", "article": "on", "sections": "none", "hours_apart": "24"}

    def said(answer: Any) -> str:
        return unescape(answer.content.decode())

    assert "Choose at least one account" in said(administrator.post(address, fields))
    assert list(made.accounts.all()) == [mastodon], "nothing was saved"
    assert "Choose at least one account" not in said(
        administrator.post(address, fields | {"is_on": ""}, follow=True)
    )
    AutoPostRule.objects.update(is_on=True)
    made.accounts.set([mastodon])
    page = said(administrator.get(address))
    assert "nothing is posted: none of the accounts" not in page
    assert ">The default template</option>" in page
    assert "---------" not in page
    for state in ("paused", "disconnected"):
        SocialAccount.objects.update(state=state)
        assert "nothing is posted: none of the accounts" in said(administrator.get(address))
