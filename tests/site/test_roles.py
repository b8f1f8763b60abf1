"""Three roles, made by the migration: editors write, publishers publish, administrators run the site."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from articles.models import ArticlePage, HomePage
from tests.articles.editing import form, post_edit, section_block
from tests.factories import add_draft

pytestmark = pytest.mark.django_db


def in_group(name: str) -> User:
    user = User.objects.create_user("someone", "someone@example.org", "secret")
    user.groups.add(Group.objects.get(name=name))
    return user


@pytest.mark.parametrize(
    ("role", "may_edit", "may_publish"),
    [("Editors", True, False), ("Publishers", True, True), ("Administrators", True, True)],
)
def test_who_may_edit_and_publish(
    role: str, may_edit: bool, may_publish: bool, home: HomePage
) -> None:
    may = add_draft(home).permissions_for_user(in_group(role))
    assert may.can_edit() is may_edit
    assert may.can_publish() is may_publish


def test_an_editor_who_asks_to_publish_only_saves(home: HomePage, editor: Client) -> None:
    draft = add_draft(home)
    post_edit(editor, draft, form(section_block("Why"), title="Sleep"), publish=True)
    stored = ArticlePage.objects.get(pk=draft.pk)
    assert not stored.live
    assert stored.get_latest_revision().as_object().parts[0].heading == "Why"


@pytest.mark.parametrize(
    ("fixture", "status"), [("editor", 302), ("publisher", 302), ("administrator", 200)]
)
def test_only_administrators_manage_accounts_and_sites(
    fixture: str, status: int, request: pytest.FixtureRequest, home: HomePage
) -> None:
    client = request.getfixturevalue(fixture)
    for name in ("wagtailusers_users:index", "wagtailusers_groups:index", "wagtailsites:index"):
        assert client.get(reverse(name)).status_code == status


@pytest.mark.parametrize("fixture", ["editor", "publisher", "administrator"])
def test_every_role_uploads_pictures_and_reads_the_reports(
    fixture: str, request: pytest.FixtureRequest, home: HomePage
) -> None:
    client = request.getfixturevalue(fixture)
    for name in ("wagtailimages:add", "sections", "shares_report", "held_back_shares"):
        assert client.get(reverse(name)).status_code == 200


def test_a_reader_is_sent_to_the_log_in_page(home: HomePage, reader: Client) -> None:
    for name in ("wagtailadmin_home", "sections", "shares_report", "held_back_shares"):
        answer = reader.get(reverse(name))
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("wagtailadmin_login"))


@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_taken_back_and_applied_again() -> None:
    call_command("migrate", "healthsite", "zero", verbosity=0)
    assert "Administrators" not in Group.objects.values_list("name", flat=True)
    call_command("migrate", "healthsite", verbosity=0)
    names = set(Group.objects.values_list("name", flat=True))
    assert "Administrators" in names
