"""Two web processes of one host on the tests' database, for all tests of this folder.

The tests write as the site does, with commits, in the process of the tests.
No Celery worker runs: what readers get needs none.
"""

from collections.abc import Iterator
from functools import partial
from uuid import uuid4

import pytest
from django.core.cache import cache
from redis import Redis

from articles.models import ArticlePage, HomePage
from sharing import valkey
from tests.delivery.web_process import Answer, WebProcess, eventually
from tests.factories import add_article, section
from tests.services import cache_server, events_server


class Host:
    """The web processes of one host."""

    def __init__(self, *processes: WebProcess) -> None:
        self.processes = processes

    def ask(self, path: str, **headers: str) -> list[Answer]:
        """Return the answer of each process."""
        return [process.ask(path, **headers) for process in self.processes]

    def warm(self, *paths: str) -> None:
        """Let each process have the pages in its memory, so that Django is asked no more."""
        for path in paths:
            for process in self.processes:
                eventually(partial(_is_warm, process, path), f"{process.name} keeps {path}")

    def shows(self, path: str, words: str, *, not_words: str = "") -> None:
        """See that the very next answer of each process has these words, and not those.

        A change is out on every process of a host once the call that made it has returned: no wait.
        """
        for process in self.processes:
            answer = process.ask(path)
            assert answer.status == 200, (process.name, path, answer.status)
            assert words in answer, f"{process.name} does not show {words!r} at {path}"
            assert not not_words or not_words not in answer, (
                f"{process.name} still shows {not_words!r} at {path}"
            )

    def says(self, path: str, *statuses: int) -> list[Answer]:
        """See that the very next answer of each process has one of these statuses."""
        answers = self.ask(path)
        for process, answer in zip(self.processes, answers, strict=True):
            assert answer.status in statuses, (process.name, path, answer.status)
        return answers


def _is_warm(process: WebProcess, path: str) -> bool:
    before = len(process.entered(path))
    assert process.ask(path).status == 200, (process.name, path)
    return len(process.entered(path)) == before


@pytest.fixture(scope="package")
def host(
    django_db_setup: None, _valkeys: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    """Return two web processes that share a data folder, a database and both Valkeys."""
    folder = tmp_path_factory.mktemp("host")
    started: list[WebProcess] = []
    try:
        for name in ("one", "two"):
            started.append(WebProcess(folder, name))
        for process in started:
            process.wait()
        yield Host(*started)
    finally:
        for process in started:
            process.stop()


@pytest.fixture
def article(home: HomePage) -> ArticlePage:
    """Return a published article of its own, with two sections."""
    return new_article(home)


def new_article(home: HomePage, title: str = "First words") -> ArticlePage:
    """Publish an article with sections "why" and "how" at an address that no other test has."""
    return add_article(
        home,
        section("Why", f"{title} on why.", slug="why"),
        section("How", f"{title} on how.", slug="how"),
        title=title,
        slug=f"a-{uuid4().hex[:10]}",
    )


def empty_the_valkeys() -> None:
    """Start what is dead of the Valkeys, empty them, and forget that one was silent."""
    for server in (events_server, cache_server):
        if server.process is None or server.process.poll() is not None:
            server.start()
        with Redis.from_url(f"unix://{server.socket}") as client:
            client.flushall()
    for factory in (valkey.events, valkey.events_for_jobs, valkey.volatile):
        factory.cache_clear()
    cache.clear()
