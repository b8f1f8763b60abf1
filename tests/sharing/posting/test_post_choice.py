"""The list in which a post begins: whom it offers what, and how many queries it takes."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from wagtail.models import GroupPagePermission

from articles.models import ArticlePage, HomePage
from sharing.models import ShareTarget, SocialAccount
from tests.factories import add_draft, section
from tests.sharing.conftest import Shared, shared_article
from tests.sharing.posting.test_post_list import post, published

pytestmark = pytest.mark.django_db

# Session and user, the admin's own, then: count, ids, targets, pages and sections that they stand for, last posts, drafts.
QUERIES = 15
# Which sections of the drafts have an identity.
QUERIES_WITH_DRAFTS = QUERIES + 1


def page(client: Client, **asked: Any) -> str:
    answer = client.get(reverse("post_new"), asked)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def offered(client: Client, **asked: Any) -> list[str]:
    """Return the titles that lead to the composer, in their order."""
    rows = re.findall(
        r'href="/admin/posts/(?:new/\d+|about/\d+/[-\w]+)/"[^>]*>([^<]*)<', page(client, **asked)
    )
    return [each.strip() for each in rows]


def tagged(client: Client, **asked: Any) -> list[tuple[str, str]]:
    """Return the titles that have a tag, with it."""
    rows = re.findall(
        r'>([^<]*)</a> <span class="w-status post-choice__tag"> ([\w ]+?) </span>',
        page(client, **asked),
    )
    return [(title.strip(), tag) for title, tag in rows]


def drafted(home: HomePage, title: str) -> ArticlePage:
    """Write a draft of two sections, “First” and “Second”, that was never published."""
    return add_draft(home, section("First"), section("Second"), title=title)


def test_the_newest_article_comes_first_and_each_before_its_sections(
    editor: Client, shared: Shared, home: HomePage
) -> None:
    shared_article(home, "Rest")
    assert offered(editor) == ["Rest", "Why", "How", "Sleep", "Why", "How"]


def test_an_articles_title_finds_its_sections_too(
    editor: Client, shared: Shared, home: HomePage
) -> None:
    shared_article(home, "Rest")
    assert offered(editor, q="rest") == ["Rest", "Why", "How"]
    assert offered(editor, q="why") == ["Why", "Why"]
    assert "No articles and sections match" in page(editor, q="%")


def test_a_row_leads_to_the_composer_and_tells_of_the_last_post(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    target = ShareTarget.objects.get(code=shared.code)
    assert "Last post" not in page(editor)
    post(shared, account, **published())
    text = page(editor)
    assert text.count("Last post") == 1
    assert text.count("No post yet") == 2
    assert reverse("post_compose", args=[target.pk]) in text


def test_nothing_that_is_gone_is_offered(superuser: Client, shared: Shared) -> None:
    ShareTarget.objects.create(page_id=1_000_000, label="Long gone")
    shared.article.body = shared.article.body.stream_block.to_python(
        [each for each in shared.article.body.raw_data if each["value"]["heading"] == "Why"]
    )
    shared.article.save_revision().publish()
    assert offered(superuser) == ["Sleep", "Why"]
    assert "Long gone" not in page(superuser)


def test_a_draft_that_was_never_published_is_offered_as_one(
    editor: Client, shared: Shared, home: HomePage, account: SocialAccount
) -> None:
    article = drafted(home, "Yawning")
    assert offered(editor) == ["Yawning", "First", "Second", "Sleep", "Why", "How"]
    assert tagged(editor) == [("Yawning", "Draft")]
    assert not ShareTarget.objects.filter(page_id=article.pk).exists()

    answer = editor.get(reverse("post_begin", args=[article.pk, "article"]), follow=True)
    assert "It is not published yet." in answer.content.decode()
    block = article.body[1].id
    answer = editor.get(reverse("post_begin", args=[article.pk, block]), follow=True)
    assert answer.status_code == 200
    # With an identity they are rows as all others; the rest is where it was.
    assert offered(editor) == ["Yawning", "First", "Second", "Sleep", "Why", "How"]
    assert tagged(editor) == [("Yawning", "Draft"), ("Second", "Draft")]


def test_a_draft_is_found_by_its_latest_title_and_a_published_one_by_its_next(
    editor: Client, shared: Shared, home: HomePage
) -> None:
    article = drafted(home, "Yawning")
    editor.get(reverse("post_begin", args=[article.pk, "article"]))
    article.title = "Stretching"
    article.save_revision()
    shared.article.title = "Deep sleep"
    shared.article.save_revision()
    assert offered(editor, q="stretch") == ["Stretching", "First", "Second"]
    assert offered(editor, q="deep") == ["Sleep", "Why", "How"]
    drafted(home, "Dreaming")
    assert offered(editor, q="dreaming") == ["Dreaming", "First", "Second"]


def test_a_section_that_is_in_the_draft_alone_stands_below_its_article(
    editor: Client, shared: Shared
) -> None:
    article = shared.article
    body = [*article.body.raw_data, section("When", "Morning.")]
    article.body = article.body.stream_block.to_python(body)
    article.save_revision()
    assert offered(editor) == ["Sleep", "When", "Why", "How"]
    assert "Sections of its draft" in page(editor)
    assert tagged(editor) == []


def test_what_was_taken_down_is_no_draft(editor: Client, shared: Shared) -> None:
    shared.article.unpublish()
    assert tagged(editor) == [(title, "Not published") for title in ("Sleep", "Why", "How")]


def test_a_draft_that_the_user_may_not_edit_is_not_offered(
    editor: Client, superuser: Client, home: HomePage
) -> None:
    drafted(home, "Yawning")
    elsewhere = HomePage(title="Elsewhere", slug="elsewhere", introduction="Another tree.")
    home.get_parent().add_child(instance=elsewhere)
    drafted(elsewhere, "Secret plans")
    GroupPagePermission.objects.filter(group__name="Editors").update(page=home)
    assert offered(editor) == ["Yawning", "First", "Second"]
    assert offered(editor, q="secret") == []
    assert "Secret plans" in offered(superuser)


def test_a_draft_of_a_program_has_no_revision_and_is_offered(
    editor: Client, home: HomePage
) -> None:
    article = drafted(home, "Yawning")
    ArticlePage.objects.filter(pk=article.pk).update(latest_revision=None)
    assert offered(editor) == ["Yawning", "First", "Second"]


def test_whoever_may_not_edit_a_page_is_not_offered_it(editor: Client, shared: Shared) -> None:
    User.objects.get(username="edith").groups.clear()
    assert editor.get(reverse("post_new")).status_code == 302


def test_the_list_of_posts_leads_here(editor: Client, home: HomePage) -> None:
    assert reverse("post_new") in editor.get(reverse("posts")).content.decode()
    assert "There is nothing to post about yet" in page(editor)


def test_the_list_takes_as_many_queries_for_many_articles_as_for_one(
    superuser: Client,
    shared: Shared,
    home: HomePage,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    superuser.get(reverse("post_new"))
    with django_assert_num_queries(QUERIES):
        superuser.get(reverse("post_new"))
    drafted(home, "Yawning")
    with django_assert_num_queries(QUERIES_WITH_DRAFTS):
        superuser.get(reverse("post_new"))
    for title in ("Snoring", "Turning", "Waking"):
        drafted(home, title)
    for title in ("Rest", "Naps", "Dreams"):
        shared_article(home, title)
    with django_assert_num_queries(QUERIES_WITH_DRAFTS):
        superuser.get(reverse("post_new"))
