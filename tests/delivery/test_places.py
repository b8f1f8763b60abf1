"""One thread of a web process is always left for kept pages, whatever the others wait for."""

import threading
from collections.abc import Iterator

import pytest

from articles.models import ArticlePage, HomePage
from healthsite.delivery.places import Places
from tests.delivery.conftest import Host, new_article
from tests.delivery.web_process import PATIENCE, WebProcess, eventually
from tests.factories import edit

# More than a process has threads.
STUCK = 8


def test_a_place_is_waited_for_while_others_come_and_go() -> None:
    places = Places(1, patience=PATIENCE)
    assert places.enter()
    entered: list[bool] = []
    waits = threading.Thread(target=lambda: entered.append(places.enter()))
    waits.start()
    assert not places.are_stuck()
    places.leave()
    waits.join(PATIENCE)
    assert entered == [True]


def test_nobody_waits_where_nobody_comes_or_goes() -> None:
    places = Places(2, patience=0)
    assert [places.enter() for _ in range(3)] == [True, True, False]
    assert places.are_stuck()
    places.leave()
    assert not places.are_stuck()
    assert places.enter()


@pytest.fixture
def process(host: Host) -> Iterator[WebProcess]:
    process = host.processes[0]
    yield process
    process.stuck.unlink(missing_ok=True)


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_while_everything_else_hangs_kept_pages_keep_coming(
    host: Host, process: WebProcess, home: HomePage, article: ArticlePage
) -> None:
    edited, cold = new_article(home, "Old words"), new_article(home, "Never read")
    paths = [article.url, edited.url, cold.url]
    host.warm(article.url, edited.url)
    edit(edited, title="New words")

    process.stuck.touch()
    statuses: list[int] = []

    def hangs(path: str) -> None:
        statuses.append(process.ask(path).status)

    # Some wait for one another's page.
    threads = [
        threading.Thread(target=hangs, args=(f"/stuck/{number // 2}/",), daemon=True)
        for number in range(STUCK)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: process.ask(paths[2]).status == 503, "it is known that everything hangs")
    assert process.ask(paths[2]).headers["retry-after"] == "10"
    for _ in range(20):
        assert "First words" in process.ask(paths[0])
    page = process.ask(paths[1])
    assert "Old words" in page
    assert "last good page" in page.headers["cache-status"]

    process.stuck.unlink()
    for thread in threads:
        thread.join(PATIENCE)
    assert set(statuses) <= {404, 503}
    assert len(statuses) == STUCK
    host.shows(paths[2], "Never read")
    host.shows(paths[1], "New words")
