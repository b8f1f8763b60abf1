"""A web process of the site on a port of its own, and requests that reach it exactly as written."""

import gzip
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import brotli
from django.db import connection

from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor import processes
from healthsite.supervisor.parent_death import binder
from tests.conftest import READER
from tests.supervisor.conftest import free_port

# The host of SITE_URL in the tests: what a reader's browser sends, whatever port a process has.
HOST = "127.0.0.1:8000"
# Generous: a busy machine is slow, and a test that waits in vain fails all the same.
PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back, read whole; names of headers in lower case, without the date."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text, whatever it was packed in."""
        match self.headers.get("content-encoding"):
            case "br":
                return str(brotli.decompress(self.body).decode())
            case "gzip":
                return gzip.decompress(self.body).decode()
            case _:
                return self.body.decode()

    def __contains__(self, words: str) -> bool:
        return words in self.text


class WebProcess:
    """One granian with one worker; `entered` tells which requests entered Django."""

    def __init__(self, folder: Path, name: str, *, sweep_every: float = 3600, **own: str) -> None:
        self.name = name
        self.port = free_port()
        self._entered = folder / f"{name}.entered"
        self._entered.touch()
        self._said = folder / f"{name}.said"
        # While it is there, requests below /stuck/ stay in Django.
        self.stuck = folder / f"{name}.stuck"
        command = [
            "tests.delivery.web:application" if word == "healthsite.wsgi:application" else word
            for word in processes.web(self.port, workers=1, threads=4)
        ]
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.delivery.settings",
            "DATABASE_URL": database_url(),
            "ENTERED": str(self._entered),
            "STUCK": str(self.stuck),
            "SWEEP_EVERY": str(sweep_every),
            "PYTHONUNBUFFERED": "1",
        }
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command,
                cwd=PROJECT_ROOT,
                env=environment | own,
                stdout=said,
                stderr=said,
                start_new_session=True,
                preexec_fn=binder(),
            )

    def said(self) -> str:
        """Return its log."""
        return self._said.read_text()

    def entered(self, path: str) -> list[str]:
        """Return each request for this path, with its query, that entered Django, in order."""
        lines = map(json.loads, self._entered.read_text().splitlines())
        asked = [f"{path}?{query}" if query else path for path, query, _, _ in lines]
        return [each for each in asked if each == path]

    def kept(self) -> tuple[int, int]:
        """Return how many answers of how many bytes it kept when Django was entered last."""
        _, _, number, size = json.loads(self._entered.read_text().splitlines()[-1])
        return number, size

    def memory(self) -> int:
        """Return the resident bytes of its worker."""
        pid = self._process.pid
        (child, *_) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        pages = int(Path(f"/proc/{child}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def wait(self) -> None:
        """Wait until it answers."""

        def answers() -> bool:
            assert self._process.poll() is None, f"{self.name} ended:\n{self.said()}"
            with suppress(OSError):
                return self.ask("/healthz").status == 200
            return False

        eventually(answers, f"{self.name} answers:\n{self.said()}")

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask as a reader's browser does; underscores in names of headers become hyphens."""
        sent = {"Host": HOST, "User-Agent": READER, "Accept-Encoding": "br"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as line:
            line.request(method, path, headers=sent)
            return read(line.getresponse())

    def send(self, request: bytes, *, method: str = "GET") -> Answer:
        """Send these very bytes and return the first answer."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as line:
            # It may answer, and close, before it has read all.
            with suppress(BrokenPipeError, ConnectionResetError):
                line.sendall(request)
            response = http.client.HTTPResponse(line, method=method)
            response.begin()
            return read(response)

    def stop(self) -> None:
        """End it at once, and wait until its worker has ended with it."""
        pid = self._process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._process.kill()
        self._process.wait(PATIENCE)
        eventually(lambda: not any(map(_is_alive, workers)), f"the worker of {self.name} ends")


def read(response: http.client.HTTPResponse) -> Answer:
    """Return an answer, read whole; a header that comes twice is an error."""
    names = [name.lower() for name, _ in response.getheaders()]
    assert len(names) == len(set(names)), names
    headers = {name.lower(): value for name, value in response.getheaders()}
    # The server's, a new one each second.
    headers.pop("date", None)
    return Answer(response.status, headers, response.read())


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def _is_alive(pid: str) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def database_url() -> str:
    """Return the address of the tests' database."""
    values = connection.settings_dict
    if connection.vendor == "postgresql":
        host = str(values["HOST"]).replace("/", "%2F")
        return f"postgres://{values['USER']}@{host}/{values['NAME']}"
    return f"sqlite:///{values['NAME']}"
