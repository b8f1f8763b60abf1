"""Settings → Sharing: who may open it, what it stores, what it refuses, and the preview."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from wagtail.models import ModelLogEntry

from articles.models import HomePage
from sharing.models import ShareTarget
from sharing.networks import NETWORKS
from sharing.share_settings import ShareSettings
from tests.markup import tags_of, values

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

SLUGS = [each.slug for each in NETWORKS]
ADDRESS = "/admin/settings/sharing/sharesettings/"
PREVIEW = "/admin/share-settings/preview/"


def fields(*order: str, **changes: str | None) -> dict[str, str]:
    """Return the form as it is sent: a change of None leaves its field out, as an unticked box."""
    slugs = order or tuple(SLUGS)
    sent: dict[str, str | None] = {"compact": "4", "generous": "7"}
    for place, slug in enumerate(slugs, start=1):
        prefix = f"networks-{slug}"
        sent |= {f"{prefix}-place": str(place), f"{prefix}-was": str(SLUGS.index(slug) + 1)}
        sent |= {f"{prefix}-shown": "on", f"{prefix}-label": ""}
    sent |= {name.replace("__", "-"): value for name, value in changes.items()}
    return {name: value for name, value in sent.items() if value is not None}


def led_by(slug: str) -> list[str]:
    """Return all networks with this one first."""
    return [slug, *(each for each in SLUGS if each != slug)]


def address() -> str:
    return f"{ADDRESS}{ShareSettings.load().pk}/"


def save(client: Client, sent: dict[str, str]) -> str:
    """Send the form; return the page that answers."""
    answer = client.post(address(), sent, follow=True)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def stored() -> list[dict[str, Any]]:
    networks: list[dict[str, Any]] = ShareSettings.objects.get().networks
    return networks


def order() -> list[str]:
    return [each["slug"] for each in stored()]


# --- Who may -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fixture", ["administrator", "superuser"])
def test_administrators_find_it_in_the_menu_and_open_it(
    fixture: str, request: pytest.FixtureRequest, home: HomePage
) -> None:
    client = request.getfixturevalue(fixture)
    assert ADDRESS in client.get(reverse("wagtailadmin_home")).content.decode()
    answer = client.get(ADDRESS, follow=True)
    assert answer.status_code == 200
    assert "Save" in answer.content.decode()


@pytest.mark.parametrize("fixture", ["editor", "publisher"])
def test_others_neither_see_it_nor_open_nor_change_it(
    fixture: str, request: pytest.FixtureRequest, home: HomePage
) -> None:
    client = request.getfixturevalue(fixture)
    assert ADDRESS not in client.get(reverse("wagtailadmin_home")).content.decode()
    for answer in (
        client.get(address()),
        client.post(address(), fields(networks__x__shown=None)),
        client.post(PREVIEW, fields()),
    ):
        assert answer.status_code == 302
        assert answer.headers["Location"] == reverse("wagtailadmin_home")
    # As the form's script asks.
    assert (
        client.post(PREVIEW, fields(), headers={"x-requested-with": "XMLHttpRequest"}).status_code
        == 403
    )
    assert stored() == []


def test_a_reader_is_sent_to_the_log_in_page(home: HomePage, reader: Client) -> None:
    for answer in (reader.get(ADDRESS), reader.post(PREVIEW, fields())):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("wagtailadmin_login"))


@pytest.mark.django_db(transaction=True)
def test_the_permission_is_taken_back_and_given_again_with_its_migration() -> None:
    def may() -> bool:
        group = Group.objects.get(name="Administrators")
        return group.permissions.filter(codename="change_sharesettings").exists()

    # From the beginning: a transactional test before this one may have emptied the tables.
    for target in ("zero", "0002"):
        call_command("migrate", "healthsite", target, verbosity=0)
    assert may()
    call_command("migrate", "healthsite", "0001", verbosity=0)
    assert not may()
    call_command("migrate", "healthsite", verbosity=0)
    assert may()


# --- What is stored ------------------------------------------------------------------------------


def test_a_saved_form_is_stored_in_the_order_of_its_places(
    administrator: Client, home: HomePage
) -> None:
    page = save(
        administrator,
        fields(*reversed(SLUGS), networks__x__shown=None, networks__email__label="  Send  it ")
        | {"compact": "2", "generous": "5"},
    )
    assert "Sharing updated" in page
    assert order() == SLUGS[::-1]
    by_slug = {each["slug"]: each for each in stored()}
    assert by_slug["x"] == {"slug": "x", "shown": False, "label": ""}
    assert by_slug["email"] == {"slug": "email", "shown": True, "label": "Send it"}
    settings = ShareSettings.objects.get()
    assert (settings.compact, settings.generous) == (2, 5)
    assert ModelLogEntry.objects.filter(action="wagtail.edit").count() == 1


def test_the_form_shows_what_is_stored(administrator: Client, home: HomePage) -> None:
    save(
        administrator,
        fields(*led_by("email"), networks__x__shown=None, networks__x__label="Ex"),
    )
    page = administrator.get(address()).content.decode()
    assert values(page, "li", "data-network") == led_by("email")
    boxes = {
        attrs["name"]: "checked" in attrs
        for tag, attrs in tags_of(page)
        if attrs.get("type") == "checkbox"
    }
    assert boxes["networks-email-shown"]
    assert not boxes["networks-x-shown"]
    assert values(page, "input", "value", name="networks-x-label") == ["Ex"]
    for each in NETWORKS:
        assert each.name in page


@pytest.mark.parametrize(
    ("slug", "place", "lands"),
    [(SLUGS[-1], 1, 0), (SLUGS[0], 3, 2), (SLUGS[0], 999, -1), (SLUGS[-1], 2, 1)],
)
def test_a_typed_place_is_where_a_network_lands(
    slug: str, place: int, lands: int, administrator: Client, home: HomePage
) -> None:
    save(administrator, fields(**{f"networks__{slug}__place": str(place)}))
    assert order()[lands] == slug
    assert [each for each in order() if each != slug] == [each for each in SLUGS if each != slug]


@pytest.mark.parametrize("place", ["", "abc", "-1", "1.5", "1e3", "١", "9" * 5000])
def test_a_place_that_is_no_number_is_refused_and_nothing_is_lost(
    place: str, administrator: Client, home: HomePage
) -> None:
    page = save(administrator, fields(networks__x__place=place, networks__email__label="Send it"))
    assert "X: Type the place as a whole number" in page
    assert 'value="Send it"' in page
    assert "aria-invalid" in page
    assert stored() == []


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        ("a" * 41, "has 41 characters"),
        ("a" * 200_000, "has 200000 characters"),
        ("X\u202eelgooG", "invisible or direction-changing"),
        ("nul\0", "invisible or direction-changing"),
        ("facebook", "is the name of another network"),
        ("🦋🦋", "needs words"),
    ],
    ids=["long", "huge", "bidi", "nul", "another’s name", "no words"],
)
def test_a_bad_label_is_refused_beside_its_field_and_nothing_is_lost(
    label: str, sentence: str, administrator: Client, home: HomePage
) -> None:
    page = save(
        administrator,
        fields(*led_by("email"), networks__x__label=label, networks__bluesky__label="Sky"),
    )
    assert sentence in page
    assert 'aria-describedby="id_networks-x-label-error"' in page
    assert 'value="Sky"' in page
    assert values(page, "li", "data-network") == led_by("email")
    assert stored() == []


def test_two_shown_networks_cannot_have_one_label(administrator: Client, home: HomePage) -> None:
    twice = {"networks__x__label": "Post it", "networks__email__label": "post it"}
    assert "is the label of X already" in save(administrator, fields(**twice))
    save(administrator, fields(**twice, networks__x__shown=None))
    assert {each["label"] for each in stored()} == {"", "Post it", "post it"}


@pytest.mark.parametrize("number", ["0", "8", "", "words", "-3", "1e9"])
def test_only_one_to_seven_may_be_visible(
    number: str, administrator: Client, home: HomePage
) -> None:
    save(administrator, fields() | {"compact": number})
    assert ShareSettings.objects.get().compact == 4
    assert stored() == []


def test_rows_of_networks_that_are_not_there_are_not_read(
    administrator: Client, home: HomePage
) -> None:
    evil = {
        "networks-evil-place": "1",
        "networks-evil-label": "x",
        "networks": '[{"slug": "evil"}]',
    }
    save(administrator, fields() | evil)
    assert order() == SLUGS


def test_a_form_opened_before_a_network_came_keeps_what_is_stored_of_it(
    administrator: Client, home: HomePage
) -> None:
    settings = ShareSettings.load()
    settings.networks = [
        {"slug": "x", "shown": False, "label": ""},
        {"slug": "from-a-later-version", "shown": False, "label": "Later"},
    ]
    settings.save()
    sent = {name: value for name, value in fields().items() if not name.startswith("networks-x-")}
    save(administrator, sent)
    kept = {each["slug"]: each for each in stored()}
    assert kept["x"]["shown"] is False
    assert kept["from-a-later-version"]["label"] == "Later"
    # Nothing of the list at all: nothing of it changes.
    save(administrator, {"compact": "1", "generous": "1"})
    assert ShareSettings.objects.get().compact == 1
    assert {each["slug"]: each for each in stored()} == kept


def test_the_form_opens_on_stored_nonsense_and_mends_it(
    administrator: Client, home: HomePage
) -> None:
    settings = ShareSettings.load()
    ShareSettings.objects.update(networks={"not": ["a", "list"]})
    page = administrator.get(f"{ADDRESS}{settings.pk}/").content.decode()
    assert values(page, "li", "data-network") == SLUGS
    save(administrator, fields())
    assert order() == SLUGS


# --- The preview ---------------------------------------------------------------------------------


def preview(client: Client, sent: dict[str, str]) -> dict[str, Any]:
    answer = client.post(PREVIEW, sent)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    parsed: dict[str, Any] = answer.json()
    return parsed


def test_the_preview_shows_both_bars_as_they_would_be_and_saves_nothing(
    administrator: Client, home: HomePage
) -> None:
    sent = fields(*led_by("email"), networks__x__shown=None, networks__email__label="Send it")
    page = re.sub(r"\s+", " ", preview(administrator, sent | {"compact": "1"})["page"])
    compact, generous = re.split(r'<div class="share[ "]', page)[1:]
    links = [re.findall(r"/share/[^/]+/([a-z]+)/", bar) for bar in (compact, generous)]
    assert [each[0] for each in links] == ["email", "email"]
    assert links[0].index("email") < compact.index("<details>")
    assert "x" not in links[0]
    assert "Send it</a>" in compact
    assert "site.css" in page
    assert "<script" not in page
    assert not ShareSettings.objects.exists()


def test_the_previews_code_can_be_no_articles(administrator: Client, home: HomePage) -> None:
    page = preview(administrator, fields())["page"]
    codes = set(re.findall(r"/share/([^/]+)/", page))
    assert len(codes) == 1
    assert not ShareTarget.objects.filter(code__in=codes).exists()
    assert administrator.get(f"/share/{codes.pop()}/").status_code == 404


def test_the_preview_says_what_is_wrong_instead(administrator: Client, home: HomePage) -> None:
    told = preview(administrator, fields(networks__x__label="a" * 50) | {"compact": "9"})
    assert "page" not in told
    assert any(each.startswith("X: The label has 50 characters") for each in told["errors"])
    assert any(each.startswith("At the top of an article:") for each in told["errors"])
    assert not ShareSettings.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"compact": "a"}, {"networks-x-place": "1"}])
def test_half_a_form_is_answered_in_words(
    sent: dict[str, str], administrator: Client, home: HomePage
) -> None:
    assert preview(administrator, sent)["errors"]


def test_the_preview_is_only_posted_to_and_only_by_the_form(
    administrator: Client, home: HomePage
) -> None:
    assert administrator.get(PREVIEW).status_code == 405
    strict = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1:8000"})
    strict.cookies = administrator.cookies
    assert strict.post(PREVIEW, fields()).status_code == 403


def test_the_form_has_no_inline_code_of_ours(administrator: Client, home: HomePage) -> None:
    page = administrator.get(address()).content.decode()
    ours = page[page.index("data-share-settings") : page.index("<noscript>")]
    assert "style=" not in ours
    assert not re.search(r"\son[a-z]+=", ours)
