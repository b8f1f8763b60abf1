"""Fixtures for all tests: a site with a home page, people in each role, silent and speaking servers."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache as django_cache
from django.db import connection
from django.test import Client
from redis import Redis
from wagtail.models import Collection, Locale, Page, Site

from articles import freshness
from articles.models import HomePage
from healthsite.paths import PROJECT_ROOT
from sharing import valkey
from tests.factories import not_indexed
from tests.services import DATA, ON_POSTGRES, cache_server, events_server

# A browser's; an empty or unknown agent is nobody's share.
READER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _fresh_servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Give each test that uses the database empty Valkeys, closed breakers and an empty memory."""
    uses_database = {"db", "transactional_db"} & set(request.fixturenames)
    if not (uses_database or request.node.get_closest_marker("django_db")):
        yield
        return
    request.getfixturevalue("_valkeys")
    for server in (events_server, cache_server):
        if server.process is None or server.process.poll() is not None:
            server.start()
        Redis.from_url(f"unix://{server.socket}").flushall()
    for factory in (valkey.events, valkey.events_for_jobs, valkey.volatile):
        factory.cache_clear()
    django_cache.clear()
    # What a test remembers is rolled back with it.
    freshness.take_over([(freshness.EVERYTHING, uuid4().int % 2**63)])
    yield
    for server in (events_server, cache_server):
        if server.process is not None and server.process.poll() is None:
            os.kill(server.process.pid, signal.SIGCONT)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Return what puts a migrated SQLite database into a data folder, which saves ten seconds each time.

    It is made once in each run, and in `make test` once for all its runs (tests/__main__.py).
    """

    @cache
    def made() -> Path:
        folder = Path(os.environ.get("TEST_MIGRATED") or tmp_path_factory.mktemp("migrated"))
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "whole").exists():
                _migrate(folder)
                (folder / "whole").touch()
        return folder

    def put(data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        for file in made().glob("healthsite.sqlite3*"):
            shutil.copyfile(file, data / file.name)

    return put


def _migrate(folder: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=PROJECT_ROOT,
        env=kept | {"HEALTHSITE_DATA": str(folder), "SECRET_KEY": os.environ["SECRET_KEY"]},
        check=True,
    )


@pytest.fixture(scope="session")
def django_db_keepdb(migrated: Callable[[Path], None]) -> bool:
    """Let the runs of `make test` on SQLite begin with a database that is migrated already."""
    if ON_POSTGRES or "TEST_MIGRATED" not in os.environ:
        return False
    migrated(DATA)
    (DATA / "healthsite.sqlite3").rename(connection.settings_dict["TEST"]["NAME"])
    return True


@pytest.fixture
def home(db: None) -> HomePage:
    """Return the home page of the default site, as `make run` leaves it."""
    # A transactional test before this one emptied the tables that Wagtail's migrations filled.
    locale, _ = Locale.objects.get_or_create(language_code="en-gb")
    root = Page.get_first_root_node()
    if root is None:
        root = Page.add_root(instance=Page(title="Root", slug="root", locale=locale))
    if not Collection.objects.exists():
        Collection.add_root(name="Root")
    page = HomePage(title="Health", slug="health-home", introduction="In plain words.")
    with not_indexed():  # nobody looks for it
        root.add_child(instance=page)
        Site.objects.update_or_create(
            is_default_site=True,
            defaults={"hostname": "127.0.0.1", "port": 8000, "root_page": page, "site_name": ""},
        )
    return page


@pytest.fixture
def reader() -> Client:
    """Return a reader's browser: no cookie, no session."""
    return new_reader()


@pytest.fixture
def readers() -> Callable[[], Client]:
    """Return what makes a new reader, who is another visitor."""
    return new_reader


def new_reader(**headers: Any) -> Client:
    """Return a browser of a visitor of its own, on the site's own host."""
    return Client(
        headers={"user-agent": f"{READER} {uuid4().hex[:6]}", "host": "127.0.0.1:8000"} | headers
    )


def _person(name: str, group: str | None) -> Client:
    if group is None:
        user = User.objects.create_superuser(name, f"{name}@example.org", "secret")
    else:
        user = User.objects.create_user(name, f"{name}@example.org", "secret")
        user.groups.add(Group.objects.get(name=group))
    client = Client(headers={"user-agent": READER, "host": "127.0.0.1:8000"})
    client.force_login(user)
    return client


@pytest.fixture
def editor(db: None) -> Client:
    """Return the browser of a signed-in editor."""
    return _person("edith", "Editors")


@pytest.fixture
def publisher(db: None) -> Client:
    """Return the browser of a signed-in publisher."""
    return _person("paul", "Publishers")


@pytest.fixture
def administrator(db: None) -> Client:
    """Return the browser of a signed-in administrator."""
    return _person("ada", "Administrators")


@pytest.fixture
def superuser(db: None) -> Client:
    """Return the browser of the first administrator."""
    return _person("admin", None)


@pytest.fixture
def frozen_events() -> Iterator[None]:
    """Freeze the durable Valkey: connections are taken, nothing is answered."""
    with _frozen(events_server.process):
        yield


@pytest.fixture
def frozen_cache() -> Iterator[None]:
    """Freeze the cache Valkey."""
    with _frozen(cache_server.process):
        yield


class _frozen:  # a context manager, named as it reads
    def __init__(self, process: Any) -> None:
        self._process = process

    def __enter__(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def __exit__(self, *error: object) -> None:
        os.kill(self._process.pid, signal.SIGCONT)
