"""A pytest plugin: the environment and the servers that the tests run against.

Loaded before the settings. The database is SQLite, or with `TEST_DATABASE=postgres` a PostgreSQL that is
started here. Both Valkeys are real.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from bench.postgres import Postgres, PostgresUnavailable
from healthsite import paths
from healthsite.supervisor import valkey
from healthsite.supervisor.parent_death import binder
from tests.missing import IN_CI

DATA = Path(tempfile.mkdtemp(prefix="hs-test-", dir="/tmp"))  # socket paths are short
atexit.register(shutil.rmtree, DATA, ignore_errors=True)
(DATA / "static").mkdir()

os.environ["HEALTHSITE_DATA"] = str(DATA)
os.environ["SECRET_KEY"] = "a key for the tests alone, of at least fifty characters, never used"
for _name in ("SITE_URL", "REDIS_URL", "CACHE_URL", "ALLOWED_HOSTS", "DEBUG", "PORT",
              "TRUST_PROXY_HEADERS", "SHARE_COUNT_MIN", "SHARE_BURST_LIMIT", "SHARE_EVENT_RETENTION_DAYS",
              "SHARE_DAYS_RETENTION_DAYS", "METRICS_TOKEN", "TIME_ZONE", "EMAIL_HOST", "PURGE_URLS",
              "CLOUDFLARE_ZONE", "CLOUDFLARE_TOKEN"):  # fmt: skip
    os.environ.pop(_name, None)

ON_POSTGRES = os.environ.get("TEST_DATABASE", "sqlite") == "postgres"
_postgres = Postgres() if ON_POSTGRES else None
if _postgres is not None:
    os.environ["DATABASE_URL"] = _postgres.url
    atexit.register(_postgres.stop)
else:
    os.environ.pop("DATABASE_URL", None)


def stop_postgres() -> None:
    """Stop PostgreSQL in the middle of its work, as a crash does."""
    assert _postgres is not None
    _postgres.crash()


def restart_postgres() -> None:
    """Start it again on the data that it left."""
    assert _postgres is not None
    _postgres.start_server()


class Valkey:
    """One real Valkey server, run as the site runs it, that a test may kill and start again."""

    def __init__(self, socket: Path, command: Callable[[str, Path], list[str]]) -> None:
        self.socket = socket
        self._command = command
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        (DATA / "valkey").mkdir(parents=True, exist_ok=True)
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            self._command(valkey.find_binary(), DATA),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=binder(),
        )
        deadline = time.monotonic() + 20
        while not valkey.answers(self.socket, self.process.pid):
            assert self.process.poll() is None, f"{self.socket.name} ended at once"
            assert time.monotonic() < deadline, f"{self.socket.name} does not answer"
            time.sleep(0.01)

    def wait_for_disk(self) -> None:
        """Wait until the log has everything.

        With a flush each second the server answers before it writes where the disk is busy with the flush
        before, for two seconds at most (aof.c, flushAppendOnlyFile).
        """
        with Redis.from_url(f"unix://{self.socket}") as client:
            # It waits for what was last written on its own connection, and for nothing where that wrote nothing.
            client.set("wait-for-disk", 1)
            client.delete("wait-for-disk")
            assert client.waitaof(1, 0, 10_000)[0] == 1, "the disk did not take it in ten seconds"

    def kill(self) -> None:
        """Kill the server without a word."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


events_server = Valkey(paths.events_socket(DATA), valkey.events_command)
cache_server = Valkey(paths.cache_socket(DATA), valkey.cache_command)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a second run, on another database, leave out what has nothing to do with one."""
    parser.addoption(
        "--database-only",
        action="store_true",
        help="run what may go otherwise on another database: tests that use one or start processes, but for "
        "those marked `any_database`; what is transactional always runs",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--database-only` says."""
    if config.getoption("--database-only"):
        chosen = [item for item in items if _depends_on_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen


def _depends_on_database(item: pytest.Item) -> bool:
    database = item.get_closest_marker("django_db")
    fixtures = getattr(item, "fixturenames", ())
    if (database and database.kwargs.get("transaction")) or "transactional_db" in fixtures:
        return True
    uses_one = database or "db" in fixtures or item.get_closest_marker("processes")
    return bool(uses_one) and item.get_closest_marker("any_database") is None


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL where it is asked for; without it the run says why, and fails in CI."""
    if _postgres is None:
        return
    try:
        _postgres.start()
    except PostgresUnavailable as reason:
        message = f"PostgreSQL cannot be started, nothing was tested on it: {reason}"
        pytest.exit(message, returncode=1 if IN_CI else 0)


def pytest_report_header(config: pytest.Config) -> str:
    """Say what the tests run on."""
    return f"database: {'PostgreSQL' if ON_POSTGRES else 'SQLite'}, Valkey: real, two servers"


@pytest.fixture(scope="session")
def _valkeys() -> Iterator[None]:
    for server in (events_server, cache_server):
        server.start()
    yield
    for server in (events_server, cache_server):
        server.kill()
