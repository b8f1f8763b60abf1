"""The site of a benchmark: a data folder of its own, both Valkeys, and web servers of several kinds."""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.missing import NotMeasured
from bench.processes import Process, free_port, running
from healthsite import paths
from healthsite.supervisor import data_folder, processes, valkey

OURS = processes.APPLICATION
PLAIN = "bench.contestants.plain:application"
PAGE_CACHE = "bench.contestants.page_cache:application"
BARE_WRITE = "bench.contestants.bare_write:application"

# A browser's: what a robot asks for is not counted.
READER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Web:
    """A web server that runs."""

    port: int
    process: Process

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a path."""
        return get(self.port, path, **headers)


def get(port: int, path: str, **headers: str) -> Answer:
    """Ask a server on 127.0.0.1; names of headers have underscores for hyphens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers={"User-Agent": READER} | said)
        response = connection.getresponse()
        body = response.read()
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, body)
    finally:
        connection.close()


class Site:
    """A prepared data folder whose Valkeys run."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.logs = data / "logs"

    def environment(self, port: int, **more: str) -> dict[str, str]:
        """Return what the processes of this site inherit."""
        clean = {
            name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}
        }
        key = {"SECRET_KEY": "of a benchmark on this machine alone, it protects nothing at all"}
        environment = processes.environment(self.data, port)
        wanted = {name: environment[name] for name in environment.keys() - os.environ.keys()}
        fixed = {
            "DJANGO_SETTINGS_MODULE": "healthsite.settings",
            "HEALTHSITE_DATA": str(self.data),
            "PORT": str(port),
            "SITE_URL": f"http://127.0.0.1:{port}",
        }
        return clean | wanted | fixed | key | more

    def prepare(self) -> None:
        """Migrate, collect static files and install the starter article."""
        done = subprocess.run(
            [sys.executable, "manage.py", "prepare"],
            cwd=paths.PROJECT_ROOT,
            env=self.environment(8000, HEALTHSITE_ADMIN_PASSWORD="for a benchmark alone"),  # noqa: S106
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise NotMeasured(f"The site could not be prepared:\n{done.stdout}{done.stderr}")

    @contextmanager
    def web(
        self, application: str = OURS, *, workers: int = 2, ready: str = "/healthz", **more: str
    ) -> Iterator[Web]:
        """Run a web server as `make run` does, with another WSGI application where one is named."""
        port = free_port()
        command = processes.web(port, workers=workers)
        if application != OURS:
            # They change settings before the site is loaded; ours is loaded first and forked.
            command[command.index("healthsite.web_server")] = "granian"
            command[command.index(OURS)] = application
        log = self.logs / f"{application.partition(':')[0]}-{port}.log"
        with running(
            command, self.environment(port, **more), log, lambda: _answers(port, ready)
        ) as process:
            yield Web(port, process)


def _answers(port: int, path: str) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return get(port, path).status == 200
    return False


@contextmanager
def site() -> Iterator[Site]:
    """Return a site with the starter article, on SQLite, gone at the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="healthsite-bench-"))
    try:
        data_folder.make_writable(folder)
        data_folder.make_socket_dir(folder)
        with ExitStack() as stack:
            start_valkeys(stack, folder)
            made = Site(folder)
            made.prepare()
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start_valkeys(stack: ExitStack, data: Path) -> None:
    """Run both Valkeys of a data folder until the stack is closed."""
    binary = valkey.find_binary()
    for command, socket in (
        (valkey.events_command(binary, data), paths.events_socket(data)),
        (valkey.cache_command(binary, data), paths.cache_socket(data)),
    ):
        log = data / "logs" / f"{socket.stem}.log"
        process = Process(command, os.environ, log)
        stack.callback(process.end)
        process.wait_until(lambda s=socket, p=process: valkey.answers(s, p.pid))  # type: ignore[misc]


def article_path(web: Web) -> str:
    """Return the path of the first article on the front page."""
    found = web.get("/api/v1/articles/?page_size=1").body.decode()
    return found.partition('"url":"')[2].partition('"')[0].partition(str(web.port))[2]
