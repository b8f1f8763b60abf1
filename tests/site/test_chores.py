"""The search index, and whatever else a save leaves behind, is written by workers; none of it is lost."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.models import Page, ReferenceIndex

from articles.models import ArticlePage, HomePage
from healthsite.celery import app
from healthsite.chores import actions, queries
from healthsite.chores.models import Chore
from tests.articles.editing import form, post_new, saved, section_block
from tests.factories import add_article, edit, section
from tests.services import events_server
from tests.site import errands

INDEX = "modelsearch.tasks.insert_or_update_object_task"
# Generous: a busy machine may take its time, a hang may not.
DEADLINE_SECONDS = 120


@pytest.fixture(autouse=True)
def _as_on_the_site(settings: Any) -> None:
    settings.TASKS = settings.SITE_TASKS


@pytest.fixture
def told(tmp_path: Path) -> Callable[[], list[str]]:
    """Return what tells the words that errands wrote so far."""
    file = tmp_path / "told"

    def words() -> list[str]:
        return file.read_text().split() if file.exists() else []

    words.file = str(file)  # type: ignore[attr-defined]  # where to
    return words


def found(words: str) -> list[str]:
    return [page.title for page in Page.objects.live().search(words)]


def make_due() -> None:
    """Let all that waits be due now."""
    Chore.objects.update(not_before=None, lease_until=None)


# What a save does, and what it leaves


@pytest.mark.django_db
def test_what_is_published_is_found_once_a_worker_was_at_it(home: HomePage) -> None:
    add_article(home, section("Why", "Marmalade helps."), title="Sleep")
    assert found("marmalade") == []
    assert Chore.objects.filter(task=INDEX).exists()
    actions.do_due()
    assert found("marmalade") == ["Sleep"]
    assert not Chore.objects.exists()


@pytest.mark.django_db
def test_a_save_asks_nothing_of_the_whole_index(home: HomePage) -> None:
    article = add_article(home)
    with CaptureQueriesContext(connection) as captured:
        edit(article, section("Because"))
    statements = " ".join(query["sql"] for query in captured)
    assert "wagtailsearch_indexentry" not in statements
    assert "modelsearch_indexentry" not in statements
    actions.do_due()
    with CaptureQueriesContext(connection) as captured:
        edit(article, section("Because so"))
        actions.do_due()
    assert "indexentry" in " ".join(query["sql"] for query in captured)


@pytest.mark.django_db
def test_many_saves_are_indexed_once(home: HomePage) -> None:
    article = add_article(home)
    actions.do_due()
    for number in range(5):
        edit(article, section(f"Number {number}"), publish=False)
    assert Chore.objects.filter(task=INDEX).count() >= 5
    assert actions.do_due() == 1
    assert not Chore.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_save_that_is_rolled_back_leaves_nothing_to_do(home: HomePage) -> None:
    article = add_article(home)
    actions.do_due()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        edit(article, section("Never"))
        raise ZeroDivisionError
    assert not Chore.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["killed", "frozen"])
def test_a_save_needs_no_broker(
    fault: str, home: HomePage, superuser: Client, request: pytest.FixtureRequest
) -> None:
    if fault == "killed":
        events_server.kill()
    else:
        request.getfixturevalue("frozen_events")
    blocks = [section_block("Why", "<p>Marmalade helps.</p>")]
    assert saved(post_new(superuser, home, form(*blocks), publish=True))
    assert Chore.objects.filter(task=INDEX).exists()
    actions.do_due()
    assert found("marmalade") == ["Sleep"]


@pytest.mark.django_db
def test_where_a_page_is_used_is_known_at_once(home: HomePage) -> None:
    other = add_article(home, title="Other")
    add_article(home, section("Why", f'<a linktype="page" id="{other.pk}">Other</a>'))
    assert ReferenceIndex.get_references_to(other).count() == 1
    assert set(Chore.objects.values_list("task", flat=True)) == {INDEX}


@pytest.mark.django_db
def test_what_was_deleted_meanwhile_is_no_failure(home: HomePage) -> None:
    article = add_article(home, section("Why", "Marmalade helps."))
    ArticlePage.objects.get(pk=article.pk).delete()
    actions.do_due()
    assert found("marmalade") == []
    assert not Chore.objects.exists()


# What cannot be done


@pytest.mark.django_db
def test_what_fails_is_tried_again_later_and_then_given_up(
    told: Any, caplog: pytest.LogCaptureFixture
) -> None:
    errands.fail.enqueue(told.file, word="luck")
    errands.note.enqueue(told.file, word="other")
    actions.do_due()
    assert told() == ["luck", "other"]
    waiting = Chore.objects.get()
    assert waiting.not_before is not None
    assert waiting.not_before - waiting.queued_at < timedelta(minutes=1)
    assert waiting.not_before > waiting.queued_at
    assert "no luck today" in waiting.problem
    assert actions.do_due() == 0
    with caplog.at_level(logging.ERROR):
        for _ in range(actions.MOST_TRIES):
            make_due()
            actions.do_due()
    assert Counter(told())["luck"] == actions.MOST_TRIES
    assert "was given up" in caplog.text
    assert Chore.objects.get().failed_at is not None
    assert queries.standing().failed == 1


@pytest.mark.django_db
def test_an_operator_sees_what_was_given_up_and_has_it_done_again(
    told: Any, reader: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    errands.note.enqueue(told.file, word="at-last")
    Chore.objects.update(failed_at=timezone.now(), tries=9)
    call_command("do_chores")
    assert capsys.readouterr().out == "0 done; 1 given up.\n"
    assert reader.get("/readyz").json()["parts"]["chores"] == {"state": "failed", "given_up": 1}
    call_command("do_chores", "--failed")
    assert capsys.readouterr().out == "1 done; 0 given up.\n"
    assert told() == ["at-last"]
    assert reader.get("/readyz").json()["parts"]["chores"] == {"state": "ok"}


@pytest.mark.django_db
def test_chores_that_nobody_does_are_late(told: Any, reader: Client) -> None:
    errands.note.enqueue(told.file, word="x")
    assert reader.get("/readyz").json()["parts"]["chores"]["state"] == "ok"
    Chore.objects.update(queued_at=timezone.now() - timedelta(minutes=10))
    answer = reader.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["parts"]["chores"]["state"] == "late"


@pytest.mark.django_db
def test_what_was_given_up_long_ago_is_forgotten(told: Any, settings: Any) -> None:
    errands.note.enqueue(told.file, word="old")
    errands.note.enqueue(told.file, word="young")
    now = timezone.now()
    Chore.objects.update(failed_at=now)
    first = Chore.objects.earliest("pk")
    Chore.objects.filter(pk=first.pk).update(failed_at=now - settings.CHORE_RETENTION * 2)
    assert actions.prune() == 1
    assert not Chore.objects.filter(pk=first.pk).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("task", ["tests.site.errands.gone", "no.such.module", "os.getcwd", "x"])
def test_a_task_that_is_none_does_not_stop_the_others(task: str, told: Any) -> None:
    Chore.objects.write(task=task, args=[], kwargs={})
    errands.note.enqueue(told.file, word="other")
    actions.do_due()
    assert told() == ["other"]
    assert Chore.objects.get().tries == 1


@pytest.mark.django_db
def test_what_kills_every_worker_is_given_up_too(told: Any) -> None:
    errands.note.enqueue(told.file, word="deadly")
    Chore.objects.update(tries=actions.MOST_TRIES)
    actions.do_due()
    assert told() == []
    assert Chore.objects.get().failed_at is not None


# Workers, at once and killed


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_do_each_chore_once(told: Any) -> None:
    for number in range(20):
        errands.note.enqueue(told.file, word=str(number))

    def work() -> None:
        try:
            actions.do_due()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert sorted(told(), key=int) == [str(number) for number in range(20)]
    assert not Chore.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_asked_for_while_it_is_being_done_is_done_again(told: Any) -> None:
    errands.note.enqueue(told.file, word="x")
    claimed = actions._claim()
    assert claimed is not None
    errands.note.enqueue(told.file, word="x")
    actions._do(claimed)
    assert told() == ["x"]
    assert actions.do_due() == 1
    assert told() == ["x", "x"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_was_too_slow_takes_nothing_from_the_next(told: Any) -> None:
    errands.note.enqueue(told.file, word="x")
    slow = actions._claim()
    make_due()
    next_one = actions._claim()
    assert slow is not None
    assert next_one is not None
    actions._finish(slow)
    assert Chore.objects.exists()
    actions._finish(next_one)
    assert not Chore.objects.exists()


def environment() -> dict[str, str]:
    """Return the environment of a process of the site on this test's database."""
    values = connection.settings_dict
    if connection.vendor == "postgresql":
        host = str(values["HOST"]).replace("/", "%2F")
        address = f"postgres://{values['USER']}@{host}/{values['NAME']}"
    else:
        address = f"sqlite:///{values['NAME']}"
    return os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": address}


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_loses_nothing(told: Any) -> None:
    errands.die_once.enqueue(told.file, word="killed")
    errands.note.enqueue(told.file, word="behind")
    killed = subprocess.run(
        [sys.executable, "manage.py", "do_chores"],
        env=environment(),
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert told() == ["killed"]
    # Until its lease ends, it might be at it still.
    actions.do_due()
    assert told() == ["killed", "behind"]
    make_due()
    actions.do_due()
    assert told() == ["killed", "behind", "killed"]
    assert not Chore.objects.exists()


@pytest.fixture
def _worker() -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "healthsite.celery", "worker",
         "--concurrency", "1", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"],
        env=environment(),
        start_new_session=True,
    )  # fmt: skip
    yield
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_a_celery_worker_writes_the_index(home: HomePage, _worker: None) -> None:
    add_article(home, section("Why", "Marmalade helps."))
    deadline = time.monotonic() + DEADLINE_SECONDS
    while Chore.objects.exists():
        assert time.monotonic() < deadline, "no worker does it"
        app.send_task("healthsite.do_chores")
        time.sleep(0.2)
    assert found("marmalade") == ["Sleep"]


def test_the_timetable_names_what_does_and_forgets_chores() -> None:
    entries = {entry["task"]: entry["schedule"] for entry in app.conf.beat_schedule.values()}
    assert entries["healthsite.do_chores"] <= 3
    assert entries["healthsite.prune_chores"] <= 3600
