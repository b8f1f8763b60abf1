"""What readers get while a server that the site needs is down, frozen or back without its memory."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.db import connection, connections

from articles.models import ArticlePage, HomePage
from tests.delivery.conftest import Host, empty_the_valkeys, new_article
from tests.delivery.web_process import WebProcess, eventually
from tests.factories import edit
from tests.services import (
    DATA,
    Valkey,
    cache_server,
    events_server,
    restart_postgres,
    stop_postgres,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

HERD = 30


# --- Valkey ---


def kill(server: Valkey) -> None:
    server.kill()


def freeze(server: Valkey) -> None:
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)


def empty(server: Valkey) -> None:
    server.kill()
    server.start()


@pytest.fixture
def _valkeys_back() -> Iterator[None]:
    """Bring everything back afterwards."""
    yield
    for server in (events_server, cache_server):
        if server.process is not None:
            os.kill(server.process.pid, signal.SIGCONT)
    empty_the_valkeys()


@pytest.mark.usefixtures("_valkeys_back")
@pytest.mark.parametrize(
    ("trouble", "servers"),
    [
        (kill, (cache_server,)),
        (freeze, (cache_server,)),
        (freeze, (events_server,)),
        (kill, (events_server, cache_server)),
        (freeze, (events_server, cache_server)),
        (empty, (events_server, cache_server)),
    ],
    ids=["cache dead", "cache frozen", "events frozen", "both dead", "both frozen", "both empty"],
)
def test_pages_keep_coming_and_edits_are_seen_whatever_a_valkey_does(
    host: Host, home: HomePage, trouble: Callable[[Valkey], None], servers: tuple[Valkey, ...]
) -> None:
    read, unread = new_article(home, "Read before"), new_article(home, "Never read")
    host.warm(read.url, "/")
    for server in servers:
        trouble(server)
    host.shows(read.url, "Read before")
    host.shows(unread.url, "Never read")
    host.shows(f"{unread.url}why/", "Never read")
    edit(read, title="Edited meanwhile")
    for path in (read.url, "/"):
        host.shows(path, "Edited meanwhile")
    unread.unpublish()
    host.says(unread.url, 404)
    for server in servers:
        if server.process is not None:
            os.kill(server.process.pid, signal.SIGCONT)
    # What a server kept through it all brings nothing back.
    host.shows(read.url, "Edited meanwhile")
    host.says(unread.url, 404)


# --- The database ---


@contextmanager
def no_database() -> Iterator[None]:
    """Stop the database in the middle of its work, as a crash does; start it again afterwards."""
    connections.close_all()
    with ExitStack() as undo:
        if connection.vendor == "postgresql":
            stop_postgres()
            undo.callback(restart_postgres)
        else:
            undo.enter_context(_no_file(Path(connection.settings_dict["NAME"])))
        yield
    connections.close_all()


@contextmanager
def _no_file(file: Path) -> Iterator[None]:
    """Put a folder where the database's file is: it cannot be opened."""
    # All of it into the one file; whoever has it open goes on with it, and closes it soon.
    closing = sqlite3.connect(file)
    closing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    closing.close()
    elsewhere = DATA / "elsewhere.sqlite3"
    file.rename(elsewhere)
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    file.mkdir()
    try:
        yield
    finally:
        file.rmdir()
        elsewhere.rename(file)


def test_pages_that_were_read_keep_coming_without_a_database_and_say_so(
    host: Host, home: HomePage, article: ArticlePage
) -> None:
    edited, gone = new_article(home, "Old words"), new_article(home, "Taken away")
    cut = new_article(home, "Cut down")
    unread = new_article(home, "Never read")
    host.warm(article.url, f"{article.url}why/", "/", edited.url, gone.url, cut.url)
    api = f"/api/v1/articles/{article.slug}/"
    host.warm(api)
    host.warm(f"{cut.url}how/")
    # Changed a moment before: nobody has read it since.
    edit(edited, title="New words")
    edit(cut, cut.body.get_prep_value()[0])
    gone.unpublish()
    with no_database():
        # The first to hear of it may be one who asks for something new.
        for answer in host.says(unread.url, 503):
            assert answer.headers["retry-after"].isdecimal()
            assert "OperationalError" not in answer
        for answer in host.says(f"/api/v1/articles/{unread.slug}/", 503):
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"].isdecimal()
        for path in (article.url, f"{article.url}why/", api):
            host.shows(path, "First words")
        for answer in host.says(edited.url, 200):
            assert "Old words" in answer
            assert "last good page" in answer.headers["cache-status"]
        # The front page lists what is gone.
        for path in (gone.url, f"{cut.url}how/"):
            host.says(path, 503)

        for process in host.processes:
            _marks(process, article.url)
            assert "its last good page is shown" in process.said()
            assert "the database is silent" in process.said()
        # HEAD, a conditional request and an address with a tracking parameter are one page.
        for process in host.processes:
            assert process.ask(article.url, "HEAD").status == 200
            etag = process.ask(article.url).headers["etag"]
            assert process.ask(article.url, If_None_Match=etag).status == 304
            assert process.ask(f"{article.url}?utm_source=x").status == 200
    host.shows(edited.url, "New words")
    host.shows(unread.url, "Never read")
    host.says(gone.url, 404)
    host.says(f"{cut.url}how/", 410)
    for process in host.processes:
        _marks_no_more(process, article.url)


def _marks(process: WebProcess, path: str) -> None:
    eventually(
        lambda: "database silent" in process.ask(path).headers.get("cache-status", ""),
        f"{process.name} marks what it cannot confirm",
    )


def _marks_no_more(process: WebProcess, path: str) -> None:
    eventually(
        lambda: "cache-status" not in process.ask(path).headers,
        f"{process.name} knows that the database is back",
    )


def test_a_process_that_starts_without_a_database_shows_the_copies_of_the_others(
    host: Host, article: ArticlePage, tmp_path: Path
) -> None:
    host.warm(article.url)
    with no_database():
        process = WebProcess(tmp_path, "late")
        try:
            process.wait()
            answer = process.ask(article.url)
            assert answer.status == 200
            assert "First words" in answer
            assert process.ask(f"{article.url}print/").status == 503
        finally:
            process.stop()


# --- Herds ---


def test_a_herd_on_a_cold_page_renders_it_once_a_process(host: Host, article: ArticlePage) -> None:
    path = article.url
    together = threading.Barrier(HERD)
    statuses: list[int] = []

    def reads(process: WebProcess) -> None:
        together.wait(60)
        answer = process.ask(path)
        assert "First words" in answer
        statuses.append(answer.status)

    herd = [
        threading.Thread(target=reads, args=(host.processes[number % 2],), daemon=True)
        for number in range(HERD)
    ]
    for reader in herd:
        reader.start()
    for reader in herd:
        reader.join(60)
    assert statuses == [200] * HERD
    for process in host.processes:
        assert len(process.entered(path)) <= 1
