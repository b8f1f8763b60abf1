"""One site posts from a database: a copy of it, a restored one, a moved one waits for a person's word."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from wagtail.models import ModelLogEntry

from healthsite.backup import held
from sharing.models import Delivery, PostingSite, ShareTarget, SocialAccount
from sharing.posting import actions, installation, tasks
from sharing.posting.states import DeliveryState
from tests.sharing.posting.accounts.conftest import said
from tests.sharing.posting.conftest import AT_PUBLISH, Composed

pytestmark = pytest.mark.any_database

D = DeliveryState


@pytest.fixture(autouse=True)
def data(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.INSTANCE_ID = ""
    return tmp_path


@pytest.fixture
def sends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is added to whenever the engine is asked to send."""
    asked: list[str] = []
    monkeypatch.setattr(tasks, "send_due", lambda *_, **__: asked.append("sent"))
    return asked


def test_the_first_sweep_makes_this_the_site_that_posts(
    sends: list[str], data: Path, db: None
) -> None:
    tasks.send_posts()
    tasks.send_posts()
    assert sends == ["sent", "sent"]
    site = PostingSite.objects.get()
    assert (data / "instance_id").read_text() == site.instance_id
    assert (data / "instance_id").stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in data.iterdir()) == ["instance_id", "posts.lock"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"file": None}, "the id of the installation is not"),
        ({"file": "another"}, "belongs to another installation"),
        ({"INSTANCE_ID": "another"}, "belongs to another installation"),
        ({"SITE_URL": "https://copy.example"}, "is https://copy.example now"),
        ({"restored": True}, "restored from a backup"),
    ],
)
def test_another_site_sends_nothing_says_why_and_posts_once_a_person_says_so(
    sends: list[str],
    data: Path,
    settings: Settings,
    administrator: Client,
    change: dict[str, Any],
    words: str,
) -> None:
    tasks.send_posts()
    if "file" in change:
        file = data / "instance_id"
        file.unlink() if change["file"] is None else file.write_text(change["file"])
    elif "restored" in change:
        PostingSite.objects.update(is_restored=True)
    else:
        for name, value in change.items():
            setattr(settings, name, value)
    sends.clear()
    tasks.send_posts()
    assert sends == []
    for name in ("wagtailadmin_home", "social_accounts", "posting_site"):
        assert words in said(administrator.get(reverse(name)))
    assert administrator.get("/readyz").json()["parts"]["posting"] == {"state": "paused"}
    assert "healthsite_posting_paused 1.0" in administrator.get("/metrics").content.decode()

    administrator.post(reverse("posting_site"))
    tasks.send_posts()
    assert sends == ["sent"]
    assert administrator.get("/readyz").json()["parts"]["posting"] == {"state": "ok"}
    entry = ModelLogEntry.objects.get(action=installation.CONFIRM)
    assert entry.user.get_username() == "ada"
    assert "There is nothing to decide" in said(administrator.get(reverse("posting_site")))


def test_a_site_whose_address_is_again_what_it_was_posts_by_itself(
    sends: list[str], settings: Settings, db: None
) -> None:
    tasks.send_posts()
    address = settings.SITE_URL
    settings.SITE_URL = "https://elsewhere.example"
    tasks.send_posts()
    settings.SITE_URL = address
    tasks.send_posts()
    assert len(sends) == 2
    assert PostingSite.objects.get().paused_at is None


def test_what_is_different_is_told_in_sentences_with_a_space_between_them(
    settings: Settings, administrator: Client
) -> None:
    installation.may_post()
    PostingSite.objects.update(is_restored=True)
    settings.SITE_URL = "https://copy.example"
    reasons = installation.standing().reasons
    assert len(reasons) == 2
    for name in ("wagtailadmin_home", "social_accounts"):
        assert " ".join(reasons) in said(administrator.get(reverse(name)))


def test_the_id_may_come_from_the_environment(settings: Settings, data: Path, db: None) -> None:
    settings.INSTANCE_ID = "production"
    assert installation.may_post()
    assert PostingSite.objects.get().instance_id == "production"
    assert not (data / "instance_id").exists()


def test_what_was_due_meanwhile_becomes_a_draft_and_the_rest_stays(
    target: ShareTarget, account: SocialAccount, composed: Composed
) -> None:
    installation.may_post()
    due = composed()
    later = composed(not_before=timezone.now() + timedelta(days=1))
    at_publish = composed(not_before=None)
    PostingSite.objects.update(is_restored=True)
    assert not installation.may_post()
    written_here = composed()
    assert installation.overdue(installation.standing()) == 2
    assert installation.confirm(by=None) == 2
    states = {each.pk: each.state for each in Delivery.objects.all()}
    assert states == {
        due.pk: D.DRAFT,
        later.pk: D.APPROVED,
        # The other site may have published its page.
        at_publish.pk: D.DRAFT,
        written_here.pk: D.APPROVED,
    }
    due.refresh_from_db()
    assert "may have been sent by the other one" in due.attempts.get().words
    assert due.post.approved_at is None
    assert installation.confirm(by=None) == 0
    # A person who looked lets it go out.
    assert actions.approve(post=due.post, by=None) == 1


def test_what_went_out_with_its_page_need_not_wait_for_another_publication(
    target: ShareTarget, composed: Composed
) -> None:
    installation.may_post()
    delivery = composed(timing=AT_PUBLISH)
    actions.published(target_ids=[target.pk])
    PostingSite.objects.update(is_restored=True)
    installation.may_post()
    installation.confirm(by=None)
    actions.approve(post=delivery.post, by=None)
    delivery.refresh_from_db()
    assert delivery.state == D.APPROVED
    assert delivery.not_before is not None


def test_a_restored_database_sends_nothing_that_was_on_its_way(
    target: ShareTarget, account: SocialAccount, composed: Composed
) -> None:
    installation.may_post()
    now = timezone.now()
    armed = composed(state=D.ARMED, lease_until=now, armed_at=now, not_before=now)
    preparing = composed(state=D.PREPARING, lease_until=now, not_before=now)
    fence = armed.fence
    Delivery.objects.update(created_at=now - timedelta(days=1))
    tables = connection.introspection.table_names()
    statements = held.statements(tables)
    assert len(statements) == 3
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    for each in (armed, preparing):
        each.refresh_from_db()
    assert (armed.state, armed.lease_until, armed.fence) == (D.UNKNOWN, None, fence + 1)
    assert (preparing.state, preparing.lease_until) == (D.APPROVED, None)
    assert not installation.may_post()
    site = PostingSite.objects.get()
    assert site.is_restored
    assert site.paused_at is not None
    assert installation.confirm(by=None) == 1
    assert installation.may_post()


def test_an_id_that_cannot_be_kept_posts_nothing_and_says_so(
    data: Path, administrator: Client
) -> None:
    installation.may_post()
    file = data / "instance_id"
    file.unlink()
    file.mkdir()
    assert not installation.may_post()
    assert administrator.get("/readyz").json()["parts"]["posting"] == {"state": "paused"}
    administrator.post(reverse("posting_site"))
    assert "cannot be read" in said(administrator.get(reverse("posting_site")))
    assert not installation.may_post()


def test_several_processes_that_start_at_once_agree_on_one_id(data: Path) -> None:
    first = installation._made_id()
    assert installation._made_id() == first
    (data / "instance_id").unlink()
    assert installation._made_id() != first
