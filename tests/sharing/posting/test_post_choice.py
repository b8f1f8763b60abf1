"""The list in which a post begins: whom it offers what, and how many queries it takes."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from articles.models import HomePage
from sharing.models import ShareTarget, SocialAccount
from tests.sharing.conftest import Shared, shared_article
from tests.sharing.posting.test_post_list import post, published

pytestmark = pytest.mark.django_db

# Session and user, the admin's own, then targets: count, rows, pages and sections that they stand for.
QUERIES = 12


def page(client: Client, **asked: Any) -> str:
    answer = client.get(reverse("post_new"), asked)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def offered(client: Client, **asked: Any) -> list[str]:
    """Return the titles that lead to the composer, in their order."""
    rows = re.findall(r'href="/admin/posts/new/\d+/"[^>]*>([^<]*)<', page(client, **asked))
    return [each.strip() for each in rows]


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
    for title in ("Rest", "Naps", "Dreams"):
        shared_article(home, title)
    with django_assert_num_queries(QUERIES):
        superuser.get(reverse("post_new"))
