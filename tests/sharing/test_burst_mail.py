"""Publishers are told by mail that shares are held back: once a day about each article, and nobody waits for it."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from threading import Barrier
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from wagtail.models import GroupPagePermission

from articles.models import HomePage
from healthsite.mail.backend import OutboxBackend
from healthsite.mail.models import OutgoingMail
from sharing import burst_actions, burst_mail
from sharing.models import ShareBurst, ShareTarget
from sharing.tasks import tell_of_floods
from tests.factories import add_article
from tests.sharing.conftest import Shared, shared_article
from tests.sharing.floods import HOUR, LIMIT, assert_exact, burst, flood

pytestmark = pytest.mark.django_db
NOON = datetime.combine(timezone.now().date(), datetime.min.time(), timezone.now().tzinfo)
NOON += timedelta(hours=12)


@pytest.fixture(autouse=True)
def _guard(settings: Settings) -> None:
    settings.SHARE_BURST_LIMIT = LIMIT
    settings.SITE_URL = "https://health.example"
    settings.TIME_ZONE = "Europe/Berlin"


@pytest.fixture(autouse=True)
def at() -> Any:
    """Return what sets the clock; it is noon, so that no day ends during a test."""
    with mock.patch.object(timezone, "now") as clock:
        clock.return_value = NOON

        def set_to(moment: datetime) -> None:
            clock.return_value = moment

        yield set_to


@pytest.fixture
def target(shared: Shared) -> ShareTarget:
    return ShareTarget.objects.get(code=shared.code)


def told() -> list[tuple[str, list[str]]]:
    """Return subject and receivers of the mails since the last look."""
    found = [(str(message.subject), message.to) for message in mail.outbox]
    mail.outbox.clear()
    return found


def hours_later(number: int) -> dict[str, datetime]:
    return {"at": HOUR + timedelta(hours=number, minutes=5)}


def test_the_mail_names_the_article_what_is_held_back_and_the_page_that_decides(
    target: ShareTarget, publisher: Client
) -> None:
    flood(target, LIMIT + 1_234)
    tell_of_floods()
    [message] = mail.outbox
    assert (message.subject, message.to) == (
        "Shares of “Sleep” are held back",
        ["paul@example.org"],
    )
    assert "“Sleep” (article): 1,234 shares held back so far" in message.body
    assert "of the hour from 10 March 2026, 15:00 (Europe/Berlin)" in message.body
    address = f"https://health.example/admin/reports/held-back-shares/#flood-{burst().pk}"
    assert f"\n{address}\n" in message.body
    page = publisher.get("/admin/reports/held-back-shares/").content.decode()
    assert f'id="flood-{burst().pk}"' in page


def test_a_section_is_told_with_its_article(shared: Shared, publisher: Client) -> None:
    flood(ShareTarget.objects.get(code=shared.sections["why"]), LIMIT + 2)
    tell_of_floods()
    [message] = mail.outbox
    assert message.subject == "Shares of “Why” are held back"
    assert "“Why” (section of “Sleep”): 2 shares held back so far" in message.body


def test_there_is_one_mail_a_day_about_each_article(
    target: ShareTarget, publisher: Client, at: Callable[[datetime], None]
) -> None:
    numbers = []
    for hour in range(3):
        flood(target, LIMIT + 5, **hours_later(hour))
        for _ in range(2):
            tell_of_floods()
        numbers.append(len(told()))
    assert numbers == [1, 0, 0]
    assert not ShareBurst.objects.filter(told_at=None).exists()
    at(NOON + timedelta(days=1))
    tell_of_floods()
    assert told() == [], "told of yesterday's again"
    flood(target, LIMIT + 5, **hours_later(30))
    tell_of_floods()
    assert len(told()) == 1


def test_floods_of_one_minute_are_one_mail(
    home: HomePage, publisher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(burst_mail, "MOST_NAMED", 2)
    for number in range(4):
        shared = shared_article(home, f"Article {number}")
        flood(ShareTarget.objects.get(code=shared.code), LIMIT + 1 + number)
    tell_of_floods()
    [message] = mail.outbox
    assert message.subject == "Shares of 4 articles and sections are held back"
    named = [line for line in message.body.splitlines() if line.startswith("- “")]
    assert [line.partition(" of the hour")[0] for line in named] == [
        "- “Article 3” (article): 4 shares held back so far,",
        "- “Article 2” (article): 3 shares held back so far,",
    ]
    assert "- and 2 more" in message.body
    assert "/admin/reports/held-back-shares/\n" in message.body


def test_only_those_are_told_who_may_decide(
    target: ShareTarget, home: HomePage, editor: Client, publisher: Client, superuser: Client
) -> None:
    elsewhere = add_article(home, title="Elsewhere")
    few = Group.objects.create(name="Of one article")
    permission = GroupPagePermission.objects.filter(permission__codename="publish_page").first()
    assert permission is not None
    GroupPagePermission.objects.create(group=few, page=elsewhere, permission=permission.permission)
    other = User.objects.create_user("other", "other@example.org")
    other.groups.add(few)
    publishers = Group.objects.get(name="Publishers")
    User.objects.create_user("nomail").groups.add(publishers)
    left = User.objects.create_user("left", "left@example.org", is_active=False)
    left.groups.add(publishers)
    flood(target, LIMIT + 1)
    tell_of_floods()
    assert sorted(to for _, [to] in told()) == ["admin@example.org", "paul@example.org"]
    flood(ShareTarget.objects.get(page_id=elsewhere.pk, block_id=None), LIMIT + 2)
    tell_of_floods()
    assert sorted(to for _, [to] in told()) == [
        "admin@example.org",
        "other@example.org",
        "paul@example.org",
    ]


def test_what_is_decided_or_old_is_no_news(
    target: ShareTarget, publisher: Client, at: Callable[[datetime], None]
) -> None:
    flood(target, LIMIT + 1)
    burst_actions.drop(burst=burst(), user=None)
    tell_of_floods()
    burst_actions.reopen(burst=burst(), user=None)
    at(NOON + burst_mail.IS_NEWS)
    tell_of_floods()
    assert told() == []


def test_a_title_or_an_address_that_no_mail_can_have_keeps_nobody_from_being_told(
    target: ShareTarget, publisher: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "healthsite.mail.backend.OutboxBackend"
    User.objects.create_superuser("bad", "a\r\nBcc: everybody@example.org")
    ShareTarget.objects.filter(pk=target.pk).update(
        label="Sleep\r\nBcc: all\x07\u202e " + "z" * 150
    )
    flood(target, LIMIT + 1)
    tell_of_floods()
    [kept] = OutgoingMail.objects.all()
    assert kept.recipients == ["paul@example.org"]
    assert kept.subject.startswith("Shares of “Sleep Bcc: all zzz")
    assert kept.subject.endswith("z…” are held back")
    assert "everybody" not in caplog.text


def test_a_deleted_articles_flood_is_any_publishers(
    target: ShareTarget, shared: Shared, publisher: Client
) -> None:
    flood(target, LIMIT + 1)
    shared.article.delete()
    tell_of_floods()
    assert told() == [("Shares of “Sleep” are held back", ["paul@example.org"])]


def test_counting_asks_nothing_more_for_it(target: ShareTarget, publisher: Client) -> None:
    flood(target, LIMIT + 1)
    with CaptureQueriesContext(connection) as counting:
        flood(target, 3)
    assert not [each for each in counting if "auth_user" in each["sql"]]
    assert mail.outbox == []
    assert_exact(LIMIT + 4)


def test_many_floods_take_as_many_queries_as_one(home: HomePage, publisher: Client) -> None:
    numbers = []
    for many in (1, 4):
        for number in range(many):
            shared = shared_article(home, f"Article {many} {number}")
            flood(ShareTarget.objects.get(code=shared.code), LIMIT + 1)
        with CaptureQueriesContext(connection) as asked:
            assert burst_mail.tell() == many
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", ["before the mail", "after the mail"])
def test_a_worker_killed_in_the_middle_leaves_one_mail(
    target: ShareTarget, superuser: Client, settings: Settings, place: str
) -> None:
    settings.EMAIL_BACKEND = "healthsite.mail.backend.OutboxBackend"
    flood(target, LIMIT + 1)

    def die(*messages: Any) -> int:
        if place == "after the mail":
            OutboxBackend().send_messages(*messages)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def work() -> None:
        connections.close_all()
        with mock.patch.object(burst_mail, "get_connection") as backend:
            backend.return_value.send_messages = die
            burst_mail.tell()

    connections.close_all()
    process = get_context("fork").Process(target=work)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert not OutgoingMail.objects.exists()
    assert [burst_mail.tell(), burst_mail.tell()] == [1, 0]
    assert OutgoingMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_tell_at_once_send_one_mail(
    target: ShareTarget, superuser: Client, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "healthsite.mail.backend.OutboxBackend"
    flood(target, LIMIT + 1)
    together = Barrier(2)
    messages = burst_mail._messages

    def meet(news: Any) -> Any:
        together.wait(60)
        return messages(news)

    def work(_: int) -> int:
        try:
            return burst_mail.tell()
        finally:
            connection.close()

    with mock.patch.object(burst_mail, "_messages", meet), ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(work, range(2))) == [0, 1]
    assert OutgoingMail.objects.count() == 1
