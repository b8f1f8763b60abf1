"""How editors make, follow and end campaign links."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.log_actions import registry as log_registry
from wagtail.models import GroupPagePermission
from wagtail.users.models import UserProfile

from articles.models import HomePage
from sharing import actions, campaigns
from sharing.models import CampaignLink, ShareTarget
from tests.conftest import READER
from tests.factories import add_article, add_draft, edit, section
from tests.markup import values
from tests.sharing.conftest import Shared, shared_article

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(home: HomePage) -> Shared:
    return shared_article(home)


@pytest.fixture
def outsider(home: HomePage) -> Client:
    """Return the browser of an editor of another part of the site."""
    other = add_article(home, title="Elsewhere")
    group = Group.objects.create(name="Elsewhere")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    for codename in ("add_page", "change_page"):
        GroupPagePermission.objects.create(
            group=group, page=other, permission=Permission.objects.get(codename=codename)
        )
    user = User.objects.create_user("olga", "olga@example.org", "secret")
    user.groups.add(group)
    client = Client(headers={"user-agent": READER, "host": "127.0.0.1:8000"})
    client.force_login(user)
    return client


def target_of(code: str) -> ShareTarget:
    return ShareTarget.objects.get(code=code)


def link_to(code: str, name: str = "Newsletter", **fields: Any) -> CampaignLink:
    return campaigns.create(
        target=target_of(code),
        name=name,
        expires_at=fields.get("expires_at"),
        created_by=fields.get("created_by"),
    )


def address(name: str, *args: Any) -> str:
    return reverse(f"campaign_links:{name}", args=args)


def text(client: Client, path: str, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, path
    return unescape(re.sub(r"\s+", " ", answer.content.decode()))


def add(client: Client, code: str, name: str = "Newsletter", **fields: str) -> Any:
    """Send the form of a new link."""
    data = {"target": str(target_of(code).pk), "name": name, "expires_at": ""} | fields
    return client.post(address("add"), data)


def errors(answer: Any) -> str:
    """Return the words of a form that was refused."""
    assert answer.status_code == 200, "a form that was saved answers with a redirect"
    return unescape(re.sub(r"\s+", " ", answer.content.decode()))


# Making one


def test_an_editor_makes_a_link_and_finds_its_address_and_code(
    shared: Shared, editor: Client
) -> None:
    answer = add(editor, shared.sections["why"])
    link = CampaignLink.objects.get()
    assert answer.headers["Location"] == address("edit", link.pk)
    assert (link.name, link.target.code) == ("Newsletter", shared.sections["why"])
    assert link.created_by is not None
    assert link.created_by.username == "edith"
    page = text(editor, address("edit", link.pk))
    assert f"http://127.0.0.1:8000/s/{link.code}/" in page
    assert "Section of Sleep" in page
    assert "Running" in page
    assert {address("qr-svg", link.pk), address("qr-png", link.pk)} <= set(
        values(page, "a", "href", download="")
    )
    actions_ = [entry.action for entry in log_registry.get_logs_for_instance(link)]
    assert actions_ == ["wagtail.create"]


def test_the_panel_fills_in_what_the_link_leads_to(shared: Shared, editor: Client) -> None:
    panel = text(editor, f"/admin/pages/{shared.article.pk}/edit/")
    target = target_of(shared.sections["how"])
    wanted = f"{address('add')}?target={target.pk}"
    assert wanted in values(panel, "a", "href")
    page = text(editor, wanted)
    assert values(page, "input", "value", name="target") == [str(target.pk)]
    for odd in ("", "x", "-1", "9" * 30, "٣", "1 OR 1=1"):
        page = text(editor, address("add"), target=odd)
        assert values(page, "input", "value", name="target") in ([], [""])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "This field is required"),
        ("  \t ", "This field is required"),
        ("x" * 81, "at most 80 characters"),
        ("x" * 500_000, "at most 80 characters"),
        ("News\0letter", "Null characters are not allowed"),
        ("News\u202eletter", "hidden characters"),
        ("News\u2066letter", "hidden characters"),
        ("News\x1bletter", "hidden characters"),
        ("POSTER", "has that name"),
    ],
)
def test_a_name_that_is_none_is_refused_with_a_reason_and_kept_in_the_form(
    name: str, message: str, shared: Shared, editor: Client
) -> None:
    link_to(shared.code, "Poster")
    page = errors(add(editor, shared.code, name))
    assert message in page
    assert CampaignLink.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("  Two   words ", "Two words"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("x" * 80, "x" * 80),
        ("نشرة 📰 ‏", "نشرة 📰 ‏"),
    ],
)
def test_any_plain_words_are_a_name(name: str, stored: str, shared: Shared, editor: Client) -> None:
    add(editor, shared.code, name)
    assert CampaignLink.objects.get().name == stored.strip()
    page = editor.get(address("index")).content.decode()
    assert "<script>alert" not in page


def test_a_name_taken_in_the_very_moment_is_told_too(
    shared: Shared, editor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(**kwargs: Any) -> None:
        raise campaigns.NameTaken

    link = link_to(shared.code)
    monkeypatch.setattr("sharing.campaigns.create", taken)
    assert "has that name" in errors(add(editor, shared.code, "Another"))
    monkeypatch.setattr("sharing.campaigns.change", taken)
    answer = editor.post(address("edit", link.pk), {"name": "Other", "expires_at": ""})
    assert "has that name" in errors(answer)


def test_nothing_but_the_form_can_be_set(shared: Shared, editor: Client) -> None:
    other = shared.sections["how"]
    forged = {"code": "222222222", "ended_at": "2020-01-01 00:00", "created_by": "1", "pk": "77"}
    good = {"target": str(target_of(shared.code).pk), "name": "Newsletter", "expires_at": ""}
    editor.post(address("add"), good | forged)
    link = CampaignLink.objects.get()
    assert link.code != "222222222"
    assert link.ended_at is None
    assert link.pk != 77
    assert link.created_by == User.objects.get(username="edith")
    before = (link.code, link.target_id)
    editor.post(
        address("edit", link.pk),
        {"name": "Renamed", "expires_at": "", "code": "333333333", "ended_at": "2020-01-01 00:00",
         "target": str(target_of(other).pk)},
    )  # fmt: skip
    link.refresh_from_db()
    assert link.name == "Renamed"
    assert (link.code, link.target_id, link.ended_at) == (*before, None)


@pytest.mark.parametrize("target", ["", "0", "x", "999999999", "9" * 40])
def test_a_link_needs_something_to_lead_to(target: str, shared: Shared, editor: Client) -> None:
    answer = editor.post(address("add"), {"target": target, "name": "N", "expires_at": ""})
    assert answer.status_code == 200
    assert not CampaignLink.objects.exists()


def test_no_link_is_made_to_a_section_that_was_removed(shared: Shared, editor: Client) -> None:
    kept = [block for block in shared.article.body.raw_data if block["value"]["heading"] == "Why"]
    edit(shared.article, *kept)
    assert "This was deleted" in errors(add(editor, shared.sections["how"]))


# Its end


@pytest.mark.parametrize(
    ("zone", "typed", "stored"),
    [
        ("UTC", "2040-07-01 12:00", datetime(2040, 7, 1, 12, tzinfo=UTC)),
        ("Europe/Zurich", "2040-07-01 12:00", datetime(2040, 7, 1, 10, tzinfo=UTC)),
        ("Europe/Zurich", "2040-12-01 12:00", datetime(2040, 12, 1, 11, tzinfo=UTC)),
        ("Asia/Kathmandu", "2040-07-01 00:15", datetime(2040, 6, 30, 18, 30, tzinfo=UTC)),
        ("America/Los_Angeles", "2040-06-30 23:00", datetime(2040, 7, 1, 6, tzinfo=UTC)),
    ],
)
def test_an_end_is_local_time_where_the_editor_is(
    zone: str, typed: str, stored: datetime, shared: Shared, editor: Client
) -> None:
    UserProfile.objects.create(user=User.objects.get(username="edith"), current_time_zone=zone)
    assert f"Local time in {zone}" in text(editor, address("add"))
    add(editor, shared.code, expires_at=typed)
    link = CampaignLink.objects.get()
    assert link.expires_at == stored
    page = text(editor, address("edit", link.pk))
    assert values(page, "input", "value", name="expires_at") == [typed]
    hour = typed.split()[1]
    assert re.search(rf"Running, ends \d+ \w+ 2040, {hour}", page)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("2020-01-01 00:00", "still ahead"),
        ("yesterday", "Enter a valid date/time"),
        ("2040-13-01 00:00", "Enter a valid date/time"),
        ("0001-01-01 00:00", ""),
        ("9999-12-31 23:59", None),
    ],
)
def test_an_end_lies_ahead(typed: str, message: str | None, shared: Shared, editor: Client) -> None:
    answer = add(editor, shared.code, expires_at=typed)
    if message is None:
        assert CampaignLink.objects.get().expires_at is not None
        assert text(editor, address("index"))
        return
    assert message in errors(answer)
    assert not CampaignLink.objects.exists()


def test_an_hour_that_a_clock_skips_or_repeats_is_asked_for_again(
    shared: Shared, editor: Client
) -> None:
    UserProfile.objects.create(
        user=User.objects.get(username="edith"), current_time_zone="Europe/Zurich"
    )
    for typed in ("2030-03-31 02:30", "2030-10-27 02:30"):
        page = errors(add(editor, shared.code, expires_at=typed))
        assert "couldn’t be interpreted in time zone Europe/Zurich" in page


def test_a_link_whose_time_is_up_can_be_renamed_and_given_more_time(
    shared: Shared, editor: Client, reader: Client
) -> None:
    link = link_to(shared.code, expires_at=timezone.now() - timedelta(days=1))
    page = text(editor, address("edit", link.pk))
    assert re.search(r"State</dt> <dd>Ended \d", page)
    [typed] = values(page, "input", "value", name="expires_at")
    editor.post(address("edit", link.pk), {"name": "Old poster", "expires_at": typed})
    link.refresh_from_db()
    assert link.name == "Old poster"
    assert reader.get(f"/s/{link.code}/").status_code == 410
    editor.post(address("edit", link.pk), {"name": "Old poster", "expires_at": ""})
    assert reader.get(f"/s/{link.code}/").status_code == 302
    entries = [entry.action for entry in log_registry.get_logs_for_instance(link)]
    assert entries == ["wagtail.edit", "wagtail.edit"]


def test_ending_asks_first_and_can_be_undone(
    shared: Shared, editor: Client, reader: Client
) -> None:
    link = link_to(shared.code)
    assert "Yes, end it" in text(editor, address("end", link.pk))
    assert reader.get(f"/s/{link.code}/").status_code == 302
    for _ in range(2):
        answer = editor.post(address("end", link.pk))
        assert answer.headers["Location"] == address("edit", link.pk)
    assert reader.get(f"/s/{link.code}/").status_code == 410
    assert "Ended by hand" in text(editor, address("edit", link.pk))
    editor.get(address("reopen", link.pk))
    assert reader.get(f"/s/{link.code}/").status_code == 410, "only a form reopens"
    editor.post(address("reopen", link.pk))
    assert reader.get(f"/s/{link.code}/").status_code == 302
    entries = [entry.action for entry in log_registry.get_logs_for_instance(link)]
    assert entries == ["sharing.campaign_link.reopen", "sharing.campaign_link.end"]
    history = text(editor, address("history", link.pk))
    assert "Ended" in history
    assert "Reopened" in history


def test_a_link_is_not_reopened_under_a_name_that_is_taken(shared: Shared, editor: Client) -> None:
    first = link_to(shared.code, "Poster")
    campaigns.end(link=first)
    link_to(shared.code, "Poster")
    answer = editor.post(address("reopen", first.pk), follow=True)
    assert "Rename this one" in answer.content.decode()
    first.refresh_from_db()
    assert first.ended_at is not None
    editor.post(address("edit", first.pk), {"name": "First poster", "expires_at": ""})
    editor.post(address("reopen", first.pk))
    reopened = CampaignLink.objects.get(pk=first.pk)
    assert (reopened.name, reopened.ended_at) == ("First poster", None)


def test_no_link_can_be_deleted(shared: Shared, superuser: Client) -> None:
    link = link_to(shared.code)
    answer = superuser.post(f"/admin/campaign-links/delete/{link.pk}/")
    assert answer.status_code == 404
    assert "Delete" not in text(superuser, address("edit", link.pk))
    assert CampaignLink.objects.exists()


# Who may


@pytest.mark.parametrize("fixture", ["editor", "publisher", "administrator", "superuser"])
def test_every_role_manages_the_links_of_what_it_edits(
    fixture: str, request: pytest.FixtureRequest, shared: Shared
) -> None:
    client = request.getfixturevalue(fixture)
    assert add(client, shared.code).status_code == 302
    link = CampaignLink.objects.get()
    assert "Newsletter" in text(client, address("index"))
    for name in ("edit", "end", "history", "qr-svg", "qr-png"):
        assert client.get(address(name, link.pk)).status_code == 200
    assert reverse("campaign_links:index") in client.get("/admin/").content.decode()


def test_an_editor_of_another_part_sees_and_changes_none(
    shared: Shared, outsider: Client, reader: Client
) -> None:
    link = link_to(shared.code, "Not yours")
    assert "Not yours" not in text(outsider, address("index"))
    for name in ("edit", "end", "reopen", "history", "qr-svg", "qr-png"):
        assert outsider.get(address(name, link.pk)).status_code == 404, name
    for name in ("edit", "end", "reopen"):
        answer = outsider.post(address(name, link.pk), {"name": "Mine", "expires_at": ""})
        assert answer.status_code == 404, name
    assert "Select a valid choice" in errors(add(outsider, shared.code))
    page = text(outsider, address("add"), target=str(target_of(shared.code).pk))
    assert values(page, "input", "value", name="target") in ([], [""])
    chosen = reverse("choose_share_target:chosen", args=[target_of(shared.code).pk])
    assert outsider.get(chosen).status_code == 404
    assert "Sleep" not in outsider.get(reverse("choose_share_target:choose")).json()["html"]
    link.refresh_from_db()
    assert (link.name, link.ended_at) == ("Not yours", None)
    assert reader.get(f"/s/{link.code}/").status_code == 302


def test_readers_are_sent_to_the_log_in_page(shared: Shared, reader: Client) -> None:
    link = link_to(shared.code)
    paths = [address("index"), address("add"), reverse("choose_share_target:choose")]
    paths += [address(name, link.pk) for name in ("edit", "end", "reopen", "qr-svg", "history")]
    for path in paths:
        answer = reader.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith(reverse("wagtailadmin_login"))


# Choosing


def test_the_dialogue_offers_articles_and_sections_and_says_which_is_which(
    shared: Shared, home: HomePage, editor: Client
) -> None:
    add_draft(home, title="Never published")
    dialogue = editor.get(reverse("choose_share_target:choose")).json()["html"]
    page = unescape(re.sub(r"\s+", " ", dialogue))
    assert page.count("Section of Sleep") == 2
    assert "Article" in page
    assert "Never published" not in page
    results = reverse("choose_share_target:choose_results")
    assert "Why" in text(editor, results, q="wh")
    assert "How" not in text(editor, results, q="wh")
    for odd in ('"', "%", "_", "x" * 240):
        assert "no matches" in text(editor, results, q=odd)
    chosen = editor.get(
        reverse("choose_share_target:chosen", args=[target_of(shared.code).pk])
    ).json()
    assert chosen["result"]["title"] == "Sleep"
    for odd in ("0", "x", "9" * 30):
        url = reverse("choose_share_target:chosen", args=[odd])
        assert editor.get(url).status_code == 404


# The list


def test_the_list_shows_counts_and_states_and_is_searched(
    shared: Shared, editor: Client, readers: Callable[[], Client]
) -> None:
    running = link_to(shared.sections["why"], "Poster")
    ended = link_to(shared.code, "Talk")
    for _ in range(3):
        readers().get(f"/s/{running.code}/")
    readers().get(f"/s/{ended.code}/")
    campaigns.end(link=ended)
    actions.drain()
    page = text(editor, address("index"), ordering="-arrivals")
    assert page.index("Poster") < page.index("Talk")
    assert re.search(r"Poster.*?Why.*?<td[^>]*> 3 </td>.*?Running", page)
    assert re.search(r"Talk.*?Sleep.*?<td[^>]*> 1 </td>.*?Ended by hand", page)
    results = address("index_results")
    assert "Talk" not in text(editor, results, q="poster")
    assert "Poster" in text(editor, results, q=running.code)
    for ordering in ("name", "-target__label", "created_at", "nonsense"):
        assert "Poster" in text(editor, results, ordering=ordering)


def test_an_empty_list_says_what_links_are_for(home: HomePage, editor: Client) -> None:
    page = text(editor, address("index"))
    assert "There are no campaign links yet" in page
    assert address("add") in values(page, "a", "href")


def test_a_thousand_links_come_in_pages_with_few_queries(shared: Shared, editor: Client) -> None:
    link_to(shared.code, "First")
    text(editor, address("index"))
    with CaptureQueriesContext(connection) as few:
        text(editor, address("index"))
    targets = [target_of(code) for code in (shared.code, *shared.sections.values())]
    CampaignLink.objects.bulk_create(
        CampaignLink(target=targets[n % 3], name=f"Number {n}") for n in range(1000)
    )
    with CaptureQueriesContext(connection) as many:
        page = text(editor, address("index"))
    assert len(many) <= len(few) + 1, "sections are asked for beside the article"
    assert page.count("Number ") >= 50
    assert "Page 1 of 21" in page
    seen: set[str] = set()
    for number in (1, 2, 21):
        found = re.findall(r"/s/([a-z0-9]{9})/", text(editor, address("index"), p=str(number)))
        assert not seen & set(found), "pages do not overlap"
        seen |= set(found)
    assert len(seen) == 101
    for odd in ("0", "22", "x", "9" * 20):
        assert editor.get(address("index"), {"p": odd}).status_code in {200, 404}


def test_the_links_of_a_deleted_article_stay_in_words(shared: Shared, superuser: Client) -> None:
    link = link_to(shared.code)
    shared.article.delete()
    assert "Newsletter" in text(superuser, address("index"))
    page = text(superuser, address("edit", link.pk))
    assert "Article, deleted" in page
    assert f"/admin/pages/{shared.article.pk}/edit/" not in page


# In the article's editor


def test_the_panel_lists_the_campaigns_and_offers_the_codes(
    shared: Shared, editor: Client, reader: Client
) -> None:
    link = link_to(shared.sections["why"], "Poster")
    reader.get(f"/s/{link.code}/")
    actions.drain()
    page = text(editor, f"/admin/pages/{shared.article.pk}/edit/")
    assert re.search(rf"Poster.*?Why.*?/s/{link.code}/.*?<td>1</td> <td>Running", page)
    for code in (shared.code, *shared.sections.values()):
        for kind in ("svg", "png"):
            assert f"/share/{code}/qr.{kind}" in values(page, "a", "href", download="")


def test_the_panel_offers_no_code_of_what_readers_cannot_open(
    shared: Shared, editor: Client
) -> None:
    shared.article.unpublish()
    page = text(editor, f"/admin/pages/{shared.article.pk}/edit/")
    assert "qr.png" not in page
    # In the tab, and beside the text.
    assert page.count("Not published now") == 3 * 2


def test_the_panel_costs_the_same_with_many_campaigns(
    home: HomePage, shared: Shared, editor: Client
) -> None:
    path = f"/admin/pages/{shared.article.pk}/edit/"
    link_to(shared.code, "First")
    counts = []
    for number in (0, 20):
        for each in range(number):
            link_to(shared.code, f"Number {each}")
        text(editor, path)
        with CaptureQueriesContext(connection) as captured:
            text(editor, path)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_the_code_of_a_campaign_is_named_after_it_and_never_a_path(
    shared: Shared, editor: Client
) -> None:
    link = link_to(shared.code, '../../etc/"passwd"; Ärzte: News.exe')
    answer = editor.get(address("qr-png", link.pk))
    disposition = answer.headers["Content-Disposition"]
    assert disposition == "inline; filename*=utf-8''etc-passwd-%C3%A4rzte-news-exe-qr.png"
    only_signs = link_to(shared.code, "!!!")
    disposition = editor.get(address("qr-svg", only_signs.pk)).headers["Content-Disposition"]
    assert disposition == f'inline; filename="{only_signs.code}-qr.svg"'


def test_a_section_without_links_keeps_the_editors_form_whole(
    home: HomePage, editor: Client
) -> None:
    article = add_article(home, section("One"), title="Plain")
    page = text(editor, f"/admin/pages/{article.pk}/edit/")
    assert "There are none yet" in page
