"""Where editors of a fresh site begin, on the admin's first page."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from articles import actions
from articles.models import ArticlePage, HomePage
from healthsite.begin import Begin
from sharing.models import SocialAccount
from tests.factories import add_draft
from tests.markup import values

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def fresh(home: HomePage, settings: Settings) -> HomePage:
    """Return the home page of a site as its first start leaves it, with a demo network."""
    settings.DEMO_NETWORK_HOST = "127.0.0.1:1"
    home.delete()
    starter = actions.install_starter_content()
    assert starter is not None
    page: HomePage = HomePage.objects.get()
    return page


def first_page(client: Client) -> str:
    answer = client.get(reverse("wagtailadmin_home"))
    assert answer.status_code == 200
    return answer.content.decode()


def ways(client: Client) -> list[str]:
    """Return where the panel leads."""
    page = first_page(client)
    begin = page.partition('<section class="begin"')[2].partition("</section>")[0]
    return values(begin, "a", "href") + values(begin, "form", "action")


def connect() -> SocialAccount:
    return SocialAccount.objects.create(
        network="bluesky", host="bsky.social", remote_id="did:plc:1", handle="a"
    )


def test_a_fresh_site_leads_to_the_first_article_and_the_first_account(
    fresh: HomePage, administrator: Client
) -> None:
    write = reverse("wagtailadmin_pages:add", args=["articles", "articlepage", fresh.pk])
    account, demo = (reverse(f"social_account_connect{each}") for each in ("", "_demo"))
    assert ways(administrator) == [write, reverse("import_article"), account, demo]
    assert administrator.get(write).status_code == 200
    assert 'name="csrfmiddlewaretoken"' in first_page(administrator)


def test_each_way_goes_once_there_is_one_and_the_panel_with_the_last(
    fresh: HomePage, administrator: Client
) -> None:
    add_draft(fresh)
    assert ways(administrator) == [
        reverse("social_account_connect"),
        reverse("social_account_connect_demo"),
    ]
    account = connect()
    assert 'class="begin"' not in first_page(administrator)
    ArticlePage.objects.get(slug="sleep").delete()
    assert len(ways(administrator)) == 2
    SocialAccount.objects.filter(pk=account.pk).update(state=SocialAccount.State.DISCONNECTED)
    assert len(ways(administrator)) == 4


def test_without_a_demo_network_there_is_nothing_to_connect_to_it(
    fresh: HomePage, administrator: Client, settings: Settings
) -> None:
    settings.DEMO_NETWORK_HOST = ""
    assert len(ways(administrator)) == 3


def test_everybody_sees_what_they_may_do(fresh: HomePage, editor: Client) -> None:
    assert ways(editor)[1:] == [reverse("import_article")]
    edith = get_user_model().objects.get(username="edith")
    edith.groups.clear()
    edith.user_permissions.add(Permission.objects.get(codename="access_admin"))
    assert ways(editor) == []


def test_it_asks_three_queries(fresh: HomePage, superuser: Client) -> None:
    context: dict[str, Any] = {"request": RequestFactory().get("/")}
    context["request"].user = get_user_model().objects.get(username="admin")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert "Write an article" in Begin().render_html(context)
    # Articles, the site and its home page, accounts.
    assert len(queries) <= 4, [each["sql"] for each in queries]
    add_draft(fresh)
    connect()
    with CaptureQueriesContext(connection) as queries:
        assert Begin().render_html(context).strip() == ""
    assert len(queries) == 2
