"""Share cards in the admin: what the editor shows of a draft's cards, and the look that administrators choose."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from articles.models import HomePage
from sharing import card_actions
from sharing.card_models import MOST_ATTEMPTS, validate_accent
from sharing.models import ShareCard, ShareCardSettings
from tests.factories import add_article, add_draft, edit, section
from tests.markup import tags_of, values
from tests.sharing.cards.conftest import size_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> None:
    """Keep a test's pictures apart."""
    settings.MEDIA_ROOT = tmp_path / "media"


def editor_page(client: Client, page_id: int) -> str:
    answer = client.get(f"/admin/pages/{page_id}/edit/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def states(page: str) -> list[str]:
    return values(page, "li", "data-state", **{"class": "share-card"})


def pictures(page: str) -> list[dict[str, str]]:
    return [
        attributes
        for tag, attributes in tags_of(page)
        if tag == "img" and attributes.get("class") == "share-card__picture"
    ]


# In the editor


def test_the_editor_follows_a_card_from_draft_to_public(home: HomePage, editor: Client) -> None:
    why = section("Why")
    article = add_draft(home, why)
    page = editor_page(editor, article.pk)
    assert states(page) == ["unpublished", "unpublished"]
    assert "It is made when you publish." in page
    article = edit(article)
    assert states(editor_page(editor, article.pk)) == ["being_made", "being_made"]
    card_actions.make_cards(seconds=60)
    page = editor_page(editor, article.pk)
    assert states(page) == ["public", "public"]
    assert len(pictures(page)) == 2
    why["value"]["heading"] = "Why not"
    edit(article, why, publish=False)
    page = editor_page(editor, article.pk)
    assert states(page) == ["public", "changed"]
    assert len(pictures(page)) == 3, "the public card stands beside the draft's"
    assert "What networks show now" in page


def test_the_editor_says_why_a_card_failed(home: HomePage, editor: Client) -> None:
    article = add_article(home, section("Why"))
    ShareCard.objects.filter(title="Why").update(attempts=MOST_ATTEMPTS, error="ValueError: no ink")
    page = editor_page(editor, article.pk)
    assert states(page) == ["being_made", "failed"]
    assert "ValueError: no ink" in page
    assert "Networks show the card of the whole site." in page


def test_the_editor_says_that_a_title_cannot_be_drawn(home: HomePage, editor: Client) -> None:
    article = add_draft(home, section("Why"), title="睡眠", slug="sleep-in-chinese")
    assert editor_page(editor, article.pk).count("the card goes without words") == 1


def test_the_editor_of_a_new_article_says_when_cards_will_appear(
    home: HomePage, editor: Client
) -> None:
    answer = editor.get(f"/admin/pages/add/articles/articlepage/{home.pk}/")
    assert "Once this article is saved, the share card" in answer.content.decode()


def test_every_picture_in_the_editor_loads_late_opens_and_is_named(
    home: HomePage, editor: Client
) -> None:
    article = add_draft(home, section("Why"), section("How <b>"), title="Sleep & rest")
    found = pictures(editor_page(editor, article.pk))
    assert [each["alt"] for each in found] == [
        "Share card of “Sleep & rest”, from this draft",
        "Share card of “Why”, a section of “Sleep & rest”, from this draft",
        "Share card of “How <b>”, a section of “Sleep & rest”, from this draft",
    ]
    drawn = set()
    for each in found:
        assert each["loading"] == "lazy"
        answer = editor.get(each["src"])
        assert answer.headers["Content-Type"] == "image/png"
        assert size_of(answer.content) == (1200, 630)
        assert {"private", "no-cache"} <= set(answer.headers["Cache-Control"].split(", "))
        again = editor.get(each["src"], headers={"if-none-match": answer.headers["ETag"]})
        assert again.status_code == 304
        drawn.add(answer.content)
    assert len(drawn) == 3
    assert not ShareCard.objects.exists(), "a preview stores nothing"


def test_a_preview_shows_the_latest_draft(home: HomePage, editor: Client) -> None:
    article = add_article(home)
    address = reverse("share_card_preview", args=[article.pk, "article"])
    before = editor.get(address)
    edit(article, title="Sleeping", publish=False)
    after = editor.get(address)
    assert before.headers["ETag"] != after.headers["ETag"]
    assert before.content != after.content
    listed = editor.get(reverse("share_card_previews", args=[article.pk]))
    assert {"private", "no-store"} <= set(listed.headers["Cache-Control"].split(", "))
    assert states(listed.content.decode())[0] == "being_made"
    assert "Sleeping" in listed.content.decode()


@pytest.mark.parametrize("key", ["nothing", "0", "..", "00000000-0000-0000-0000-000000000000"])
def test_what_the_draft_has_not_is_not_found(key: str, home: HomePage, editor: Client) -> None:
    article = add_article(home)
    assert editor.get(f"/admin/share-cards/{article.pk}/{key}.png").status_code == 404
    assert editor.get(f"/admin/share-cards/{home.pk}/article.png").status_code == 404
    assert editor.get("/admin/share-cards/999999999/article.png").status_code == 404
    assert editor.get("/admin/share-cards/999999999/").status_code == 404


def test_drafts_are_shown_to_those_who_may_edit_them_alone(home: HomePage, reader: Client) -> None:
    article = add_draft(home)
    addresses = [
        reverse("share_card_previews", args=[article.pk]),
        reverse("share_card_preview", args=[article.pk, "article"]),
    ]
    for address in addresses:
        answer = reader.get(address)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("wagtailadmin_login"))
    guest = User.objects.create_user("guest", "guest@example.org", "secret")
    guest.user_permissions.add(Permission.objects.get(codename="access_admin"))
    reader.force_login(guest)
    for address in addresses:
        assert reader.get(address).status_code in {302, 403}
        assert "image/png" not in reader.get(address).headers["Content-Type"]


def test_the_editors_cards_cost_the_same_with_many_sections(home: HomePage, editor: Client) -> None:
    counts = []
    for number in (1, 12):
        article = add_article(home, *[section(f"N {n}") for n in range(number)], title=f"T{number}")
        address = reverse("share_card_previews", args=[article.pk])
        editor.get(address)
        with CaptureQueriesContext(connection) as captured:
            editor.get(address)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_our_additions_carry_no_inline_code(home: HomePage, editor: Client) -> None:
    article = add_article(home)
    page = editor.get(reverse("share_card_previews", args=[article.pk])).content.decode()
    assert "<script" not in page
    assert "style=" not in page
    assert " on" not in re.sub(r">[^<]*<", "><", page)


# The look

SETTINGS = "wagtailsettings:edit"


def look() -> ShareCardSettings:
    chosen: ShareCardSettings = ShareCardSettings.load()
    return chosen


def choose(client: Client, **fields: str) -> Any:
    address = reverse(SETTINGS, args=["sharing", "sharecardsettings", look().pk])
    return client.post(address, {"accent": "#005e5a", "logo": ""} | fields)


def test_an_administrator_changes_the_colour_and_sees_how_far_it_is(
    home: HomePage, administrator: Client
) -> None:
    address = reverse(SETTINGS, args=["sharing", "sharecardsettings", look().pk])
    assert "There are no cards yet" in administrator.get(address).content.decode()
    add_article(home)
    card_actions.make_cards(seconds=60)
    assert "All cards are made in this look: 3." in administrator.get(address).content.decode()
    assert choose(administrator, accent="#5b3a8c").status_code == 302
    page = re.sub(r"\s+", " ", administrator.get(address).content.decode())
    assert "0 of 3 cards made in this look." in page
    assert "3 are being made; you can leave this page." in page
    assert values(page, "input", "value", name="accent", type="color") == ["#5b3a8c"]
    card_actions.make_cards(seconds=60)
    assert "All cards are made in this look: 3." in administrator.get(address).content.decode()


@pytest.mark.parametrize(
    ("accent", "said"),
    [
        ("#ffd793", "too light"),
        ("#7f7f7f", "too light"),
        ("teal", "six hexadecimal digits"),
        ("#12345", "six hexadecimal digits"),
        ("#12345g", "six hexadecimal digits"),
        ("", "required"),
        ("red; }", "six hexadecimal digits"),
    ],
)
def test_a_colour_that_cannot_be_read_is_refused_with_a_sentence(
    accent: str, said: str, home: HomePage, administrator: Client
) -> None:
    answer = choose(administrator, accent=accent)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert look().accent == "#005e5a"


@pytest.mark.parametrize(
    "accent", ["#000000", "#005e5a", "#A3121F", "#0b57d0", "#5c3700", "#737373"]
)
def test_a_dark_enough_colour_is_taken(accent: str) -> None:
    validate_accent(accent)


@pytest.mark.parametrize(
    ("fixture", "allowed"), [("editor", False), ("publisher", False), ("administrator", True)]
)
def test_only_administrators_change_the_look(
    fixture: str, allowed: bool, home: HomePage, request: pytest.FixtureRequest
) -> None:
    client = request.getfixturevalue(fixture)
    sample = client.get(reverse("share_card_sample"), {"accent": "#5b3a8c"})
    assert (sample.headers["Content-Type"] == "image/png") is allowed
    choose(client, accent="#5b3a8c")
    assert (look().accent == "#5b3a8c") is allowed


def test_a_sample_in_an_unreadable_colour_is_refused(home: HomePage, administrator: Client) -> None:
    for accent in ("#ffffff", "", "javascript:", "#" * 500):
        answer = administrator.get(reverse("share_card_sample"), {"accent": accent})
        assert answer.status_code == 400
        assert answer.headers["Content-Type"].startswith("text/plain")


def test_what_failed_is_named_beside_the_look(home: HomePage, administrator: Client) -> None:
    article = add_article(home, section("Why"))
    ShareCard.objects.filter(title="Why").update(attempts=MOST_ATTEMPTS, error="ValueError: no ink")
    address = reverse(SETTINGS, args=["sharing", "sharecardsettings", look().pk])
    page = re.sub(r"\s+", " ", administrator.get(address).content.decode())
    assert "1 failed." in page
    assert "failed: ValueError: no ink" in page
    assert f"/admin/pages/{article.pk}/edit/#block-" in page


def test_the_permission_is_the_administrators_by_migration() -> None:
    groups = Group.objects.filter(permissions__codename="change_sharecardsettings")
    assert [group.name for group in groups] == ["Administrators"]
