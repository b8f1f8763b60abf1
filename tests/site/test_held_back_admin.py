"""Where editors see floods of shares: what the page tells, who may decide, and what a form can do."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from wagtail.models import GroupPagePermission, ModelLogEntry

from articles.models import HomePage
from sharing import burst_actions
from sharing.models import HeldCount, ShareBurst, ShareClass, ShareTarget
from tests.factories import add_article, section
from tests.sharing.conftest import Shared, shared_article
from tests.sharing.floods import HOUR, LIMIT, burst, counted, flood

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LIST = "/admin/reports/held-back-shares/"
DECIDE = "/admin/reports/held-back-shares/decide/"


@pytest.fixture(autouse=True)
def _guard(settings: Any) -> None:
    settings.SHARE_BURST_LIMIT = LIMIT
    settings.SHARE_EVENT_BATCH = 1000


@pytest.fixture
def shared(home: HomePage) -> Shared:
    return shared_article(home)


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    return ShareTarget.objects.get(code=shared.code)


@pytest.fixture
def held(target: ShareTarget) -> ShareBurst:
    flood(target, LIMIT)
    flood(target, 9, channel="x")
    flood(target, 1, channel="copy-link", share_class=ShareClass.HANDED_OVER)
    flood(target, 4, share_class=ShareClass.ARRIVAL)
    return burst()


def text(client: Client, address: str = LIST, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_flood_with_nothing_before_it_says_that_the_report_may_know_more(
    held: ShareBurst, publisher: Client
) -> None:
    page = text(publisher)
    assert "not one share of it was accepted here" in page
    assert "The report may show some on those days all the same" in page


def decide(client: Client, decision: str, *floods: str, **query: str) -> Any:
    return client.post(DECIDE, {"decision": decision, "floods": list(floods)}, query_params=query)


def test_the_page_tells_what_a_flood_is_judged_by(
    held: ShareBurst, target: ShareTarget, publisher: Client, settings: Any
) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    settings.SHARE_BURST_LIMIT = 0
    flood(target, 3, at=HOUR - timedelta(days=2))
    settings.SHARE_BURST_LIMIT = LIMIT
    flood(target, 5, at=HOUR - timedelta(hours=30))
    page = text(publisher)
    assert (
        "10 March 2026, 15:00 to 16:00 (Europe/Berlin) · 10 March 2026, 14:00 to 15:00 UTC" in page
    )
    assert re.search(r"Held back </dt> <dd>10</dd>", page)
    assert re.search(r"Counted in this hour</dt> <dd>10</dd>", page)
    assert re.search(r"Arrivals in this hour</dt> <dd>4</dd>", page)
    assert re.search(r"9 \(90 %\) went by X, 1 \(10 %\) went by Copied link\.", page)
    assert re.search(r"Handed over: 1; Intents: 9\.|Intents: 9; Handed over: 1\.", page)
    assert "shares of it were accepted here in 1 hour: usually 5, at most 5 in an hour" in page
    assert f"article={target.page_id}&amp;section=whole" in page
    assert (
        publisher.get(
            f"/admin/reports/shares/?period=custom&since=2026-03-10&until=2026-03-10&article={target.page_id}&section=whole"
        ).status_code
        == 200
    )
    assert page.count("<rect") == 3, "the hour before, and what is counted and what is not"


def test_a_flood_is_counted_dropped_and_opened_again(held: ShareBurst, publisher: Client) -> None:
    answer = decide(publisher, "accept", f"{held.pk}:held", state="held", p="1")
    assert answer.headers["Location"] == f"{LIST}?state=held&p=1"
    assert counted() == LIMIT + 10
    page = text(publisher, state="accepted")
    assert "“Sleep”, 10 March 2026, 14:00: counted now." in page
    assert re.search(r"<strong>Counted</strong> \d+ \w+ 2\d{3}, \d\d:\d\d, by paul", page)
    assert "Take out and drop" in page
    decide(publisher, "drop", f"{held.pk}:accepted")
    assert counted() == LIMIT
    decide(publisher, "reopen", f"{held.pk}:dropped")
    assert burst().state == "held"
    assert burst().decided_by is None
    actions = ModelLogEntry.objects.order_by("pk").values_list("action", "label")
    assert [(action, label) for action, label in actions] == [
        (f"sharing.flood.{name}", "“Sleep”, 10 March 2026, 14:00")
        for name in ("accept", "drop", "reopen")
    ]


def test_the_message_takes_it_back(held: ShareBurst, publisher: Client) -> None:
    decide(publisher, "drop", f"{held.pk}:held")
    page = text(publisher)
    undo = re.search(
        r'<form action="([^"]+)" method="post" class="flood-undo">.*?name="floods" value="([^"]+)".*?value="(\w+)"[^>]*>Undo<',
        page,
    )
    assert undo
    publisher.post(undo[1], {"floods": undo[2], "decision": undo[3]})
    assert burst().state == "held"


def test_several_are_decided_at_once_and_taken_back_at_once(
    held: ShareBurst, target: ShareTarget, publisher: Client
) -> None:
    flood(target, LIMIT + 2, at=HOUR + timedelta(hours=1))
    floods = [f"{each.pk}:held" for each in ShareBurst.objects.all()]
    decide(publisher, "accept", *floods)
    assert counted() == LIMIT + 10 + LIMIT + 2
    assert "2 floods are counted now." in text(publisher)
    decide(publisher, "reopen", ",".join(each.replace("held", "accepted") for each in floods))
    assert counted() == 2 * LIMIT


def test_two_who_press_at_once_decide_once(
    held: ShareBurst, publisher: Client, administrator: Client
) -> None:
    decide(publisher, "drop", f"{held.pk}:held")
    decide(administrator, "accept", f"{held.pk}:held")
    assert "paul decided meanwhile, and it is dropped. You changed nothing." in text(administrator)
    assert counted() == LIMIT
    decide(publisher, "drop", f"{held.pk}:held")
    assert "was dropped already" in text(publisher)


def test_nothing_chosen_is_said(held: ShareBurst, publisher: Client) -> None:
    decide(publisher, "accept")
    assert "Nothing was chosen" in text(publisher)
    assert burst().state == "held"


@pytest.mark.parametrize(
    ("fixture", "sees", "decides"),
    [
        ("editor", True, False),
        ("publisher", True, True),
        ("administrator", True, True),
        ("superuser", True, True),
        ("reader", False, False),
    ],
)
def test_who_sees_and_who_decides(
    fixture: str, sees: bool, decides: bool, held: ShareBurst, request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(fixture)
    answer = client.get(LIST)
    if sees:
        assert ("Count 10 shares" in answer.content.decode()) is decides
        assert ('name="floods"' in answer.content.decode()) is decides
    else:
        assert answer.headers["Location"].startswith(reverse("wagtailadmin_login"))
    assert decide(client, "accept", f"{held.pk}:held").status_code == 302
    assert burst().state == ("accepted" if decides else "held")


def test_a_publisher_of_another_part_of_the_site_sees_and_does_not_decide(
    held: ShareBurst, home: HomePage
) -> None:
    elsewhere = add_article(home, section("One"), title="Elsewhere")
    group = Group.objects.create(name="Elsewhere")
    group.permissions.set(Group.objects.get(name="Publishers").permissions.all())
    GroupPagePermission.objects.create(group=group, page=elsewhere, permission_type="publish")
    user = User.objects.create_user("else", "else@example.org", "secret")
    user.groups.add(group)
    client = Client(headers={"host": "127.0.0.1:8000"})
    client.force_login(user)
    assert "Count 10 shares" not in text(client)
    decide(client, "accept", f"{held.pk}:held")
    assert burst().state == "held"


def test_a_deleted_articles_flood_can_be_decided(
    held: ShareBurst, shared: Shared, publisher: Client
) -> None:
    shared.article.delete()
    page = text(publisher)
    assert "Article, deleted" in page
    assert f"/admin/pages/{shared.article.pk}/edit/" not in page
    decide(publisher, "drop", f"{held.pk}:held")
    assert burst().state == "dropped"


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 400),
        ({"decision": "accept"}, 302),
        ({"decision": "delete", "floods": "{pk}:held"}, 400),
        ({"decision": "accept", "floods": "{pk}"}, 400),
        ({"decision": "accept", "floods": "{pk}:open"}, 400),
        ({"decision": "accept", "floods": "-1:held"}, 400),
        ({"decision": "accept", "floods": "²:held"}, 400),
        ({"decision": "accept", "floods": "9" * 5000 + ":held"}, 400),
        ({"decision": "accept", "floods": "999999999999999999:held"}, 404),
        ({"decision": "accept", "floods": "{pk}:held,999999:held"}, 404),
        ({"decision": "accept", "floods": ",".join(f"{n}:held" for n in range(500))}, 400),
        ({"decision": "accept", "floods": [f"{n}:held" for n in range(500)]}, 400),
        ({"decision": "accept", "floods": "\x00:held"}, 400),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_forged_form_is_refused_and_changes_nothing(
    form: dict[str, Any], status: int, held: ShareBurst, publisher: Client
) -> None:
    data = {
        name: value.replace("{pk}", str(held.pk)) if isinstance(value, str) else value
        for name, value in form.items()
    }
    assert publisher.post(DECIDE, data).status_code == status
    assert burst().state == "held"
    assert counted() == LIMIT


def test_a_form_from_elsewhere_is_refused(held: ShareBurst, publisher: Client) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1:8000"})
    strict.cookies = publisher.cookies
    assert decide(strict, "accept", f"{held.pk}:held").status_code == 403
    assert publisher.get(DECIDE).status_code == 405
    assert burst().state == "held"


def test_the_way_back_is_never_another_site(held: ShareBurst, publisher: Client) -> None:
    answer = decide(publisher, "drop", f"{held.pk}:held", state="//evil.example", p="2\r\nX: 1")
    assert answer.headers["Location"] == f"{LIST}?state=held"


@pytest.mark.parametrize(
    ("query", "status"), [("state=x", 404), ("p=x", 200), ("p=1e9", 200), ("p=99", 200)]
)
def test_what_the_address_asks_for_is_checked(
    query: str, status: int, held: ShareBurst, publisher: Client
) -> None:
    assert publisher.get(f"{LIST}?{query}").status_code == status


def test_the_list_has_states_pages_and_words_where_it_is_empty(
    target: ShareTarget, publisher: Client
) -> None:
    assert "Nothing was ever held back" in text(publisher)
    for back in range(22):
        flood(target, LIMIT + 1, at=HOUR - timedelta(hours=back))
    assert text(publisher).count("<article") == 20
    assert text(publisher, p="2").count("<article") == 2
    user = User.objects.get(username="paul")
    for each in ShareBurst.objects.all():
        burst_actions.drop(burst=each, user=user)
    assert "Nothing waits" in text(publisher)
    assert "There are none" in text(publisher, state="accepted")
    assert text(publisher, state="dropped").count("<article") == 20


def test_the_list_costs_the_same_with_many_floods(home: HomePage, publisher: Client) -> None:
    numbers = []
    for many in (2, 9):
        for each in range(many):
            shared = shared_article(home, title=f"T{many}-{each}")
            for code in (shared.code, shared.sections["why"]):
                flood(ShareTarget.objects.get(code=code), LIMIT + 2, channel=f"c{each}")
        text(publisher)
        with CaptureQueriesContext(connection) as queries:
            text(publisher)
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]


def test_where_its_numbers_are_forgotten_a_flood_stays_and_has_no_buttons(
    held: ShareBurst, publisher: Client
) -> None:
    burst_actions.drop(burst=held, user=User.objects.get(username="paul"))
    HeldCount.objects.all().delete()
    page = text(publisher, state="dropped")
    assert "Its numbers are no longer kept" in page
    assert 'name="decision"' not in page
    decide(publisher, "accept", f"{held.pk}:dropped")
    assert "no longer kept, so nothing was changed" in text(publisher, state="dropped")


def test_reports_the_editor_and_the_first_page_tell_that_something_waits(
    held: ShareBurst, shared: Shared, home: HomePage, publisher: Client, reader: Client
) -> None:
    sentence = "10 shares came in a flood and are held back"
    edit = f"/admin/pages/{shared.article.pk}/edit/"
    assert sentence in text(publisher, "/admin/reports/shares/")
    assert "10 shares of this article or its sections came in a flood and are held back" in text(
        publisher, edit
    )
    assert "Flood of shares held back" in text(publisher, "/admin/")
    other = add_article(home, section("One"), title="Other")
    assert "held back" not in text(publisher, f"/admin/pages/{other.pk}/edit/").replace(
        "Held-back", ""
    )
    assert "held back" not in text(publisher, f"/admin/pages/add/articles/articlepage/{home.pk}/")
    assert "held" not in reader.get("/sleep/").content.decode()
    decide(publisher, "drop", f"{held.pk}:held")
    assert "dropped" in text(publisher)
    for address in ("/admin/reports/shares/", edit, "/admin/"):
        assert "held back" not in text(publisher, address)


def test_the_page_has_no_inline_script_or_style_of_its_own(
    held: ShareBurst, publisher: Client
) -> None:
    page = publisher.get(LIST).content.decode()
    own = page[page.index('<div class="floods">') :]
    own = own[: own.index('<nav class="pagination"')]
    assert "style=" not in own
    assert "<script" not in own
    assert not re.search(r"\son\w+=", own)
