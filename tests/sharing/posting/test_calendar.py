"""The calendar of posts: a month, in the site's time zone."""

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from articles.models import HomePage
from sharing.models import SocialAccount
from sharing.posting.states import DeliveryState
from tests.sharing.conftest import Shared, shared_article
from tests.sharing.posting.conftest import AT_PUBLISH, add_account, moment
from tests.sharing.posting.test_post_list import post, published

pytestmark = pytest.mark.django_db
S = DeliveryState

# Session and user, the admin's own, then what is dated and what is not.
QUERIES = 10


def page(client: Client, month: str = "") -> str:
    answer = client.get(reverse("posts_calendar"), {"month": month} if month else {})
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def day(text: str, date: str) -> str:
    """Return the cell of a day."""
    found = re.search(rf'<td[^>]*> <time[^>]*datetime="{date}".*?</td>', text)
    assert found, date
    return found[0]


def due(at: str, state: S = S.APPROVED, **more: Any) -> dict[str, Any]:
    when = moment(at)
    return {"state": state, "due_at": when, "not_before": when} | more


def test_a_month_shows_what_is_planned_what_went_out_and_what_failed_on_its_day(
    editor: Client, shared: Shared, home: HomePage, account: SocialAccount
) -> None:
    planned = post(shared, account, **due("2030-03-05T09:00+00:00"))
    sent = post(shared, account, **published(moment("2030-03-07T10:30+00:00")))
    post(shared_article(home, "Rest"), account, **due("2030-03-07T11:00+00:00", S.FAILED))
    post(shared_article(home, "Naps"), account, **due("2030-03-08T11:00+00:00", S.CANCELLED))
    text = page(editor, "2030-03")
    assert "March 2030" in text
    assert f"/admin/posts/{planned.pk}/" in day(text, "2030-03-05")
    assert "Scheduled" in day(text, "2030-03-05")
    seventh = day(text, "2030-03-07")
    assert f"/admin/posts/{sent.pk}/" in seventh
    assert seventh.index("10:30") < seventh.index("11:00")
    assert "Published" in seventh
    assert "Failed" in seventh
    assert "Naps" not in text
    assert 'href="?month=2030-02"' in text
    assert 'href="?month=2030-04"' in text
    assert "Sleep" not in page(editor, "2030-05")


def test_a_day_is_a_day_of_the_sites_time_zone(
    editor: Client, shared: Shared, account: SocialAccount, settings: Any
) -> None:
    post(shared, account, **due("2030-03-31T22:30+00:00"))
    assert "Sleep" in day(page(editor, "2030-03"), "2030-03-31")
    settings.TIME_ZONE = "Europe/Berlin"
    text = page(editor, "2030-03")
    assert "Sleep" not in day(text, "2030-03-31")
    assert "Times are in the time zone Europe/Berlin." in text
    first = day(page(editor, "2030-04"), "2030-04-01")
    assert "00:30" in first


def test_a_post_to_several_accounts_is_one_entry_told_by_what_needs_somebody_most(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    other = add_account("other@social.example")
    composed = post(shared, account, other, **due("2030-03-05T09:00+00:00"))
    composed.deliveries.filter(account=other).update(state=S.UNKNOWN)
    cell = day(page(editor, "2030-03"), "2030-03-05")
    assert cell.count("<li>") == 1
    assert "Unknown" in cell


def test_posts_that_wait_for_their_page_stand_apart(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    assert "These have no day yet" not in page(editor)
    waiting = post(shared, account, timing=AT_PUBLISH)
    text = page(editor)
    assert f"/admin/posts/{waiting.pk}/" in text[text.index("These have no day yet") :]


def test_a_day_with_many_posts_names_the_rest_and_links_to_the_list(
    editor: Client, shared: Shared, account: SocialAccount
) -> None:
    for _ in range(8):
        post(shared, account, **due("2030-03-05T09:00+00:00"))
    cell = day(page(editor, "2030-03"), "2030-03-05")
    assert cell.count("calendar__entry--") == 6
    assert "2 more" in cell
    link = re.search(r'href="([^"]+went_out[^"]+)"', cell)
    assert link
    listed = editor.get(link[1].replace("&amp;", "&")).content.decode()
    assert listed.count("title-wrapper") == 8


def test_this_month_is_shown_without_asking_and_today_is_marked(editor: Client) -> None:
    today = datetime.now().astimezone()
    text = page(editor)
    assert "No post went out in this month" in text
    assert text.count("calendar__day--today") == 1
    assert today.year in {int(each) for each in re.findall(r'datetime="(\d{4})-', text)}


def test_a_month_that_is_none_is_not_found(editor: Client) -> None:
    for month in (
        "2030-13",
        "2030-00",
        "1999-12",
        "2201-01",
        "abc",
        "2030-3",
        "٢٠٣٠-٠٣",
        "2030-03-01",
    ):
        answer = editor.get(reverse("posts_calendar"), {"month": month})
        assert answer.status_code == 404, month


def test_the_first_and_the_last_month_have_one_neighbour(editor: Client) -> None:
    assert "?month=1999-12" not in page(editor, "2000-01")
    assert "?month=2201-01" not in page(editor, "2200-12")


def test_the_calendar_takes_as_many_queries_for_many_posts_as_for_one(
    superuser: Client,
    shared: Shared,
    home: HomePage,
    account: SocialAccount,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    post(shared, account, **due("2030-03-05T09:00+00:00"))
    page(superuser, "2030-03")
    with django_assert_num_queries(QUERIES):
        page(superuser, "2030-03")
    others = [add_account(f"{number}@social.example") for number in range(3)]
    for number, title in enumerate(("Rest", "Naps", "Dreams")):
        post(shared_article(home, title), *others, **due(f"2030-03-1{number}T09:00+00:00"))
    with django_assert_num_queries(QUERIES):
        page(superuser, "2030-03")
