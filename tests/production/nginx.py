"""A real nginx with the sample configuration, on a port and in a folder of its own."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor.parent_death import binder
from tests.missing import program

TEMPLATE = PROJECT_ROOT / "deploy/nginx.conf.template"


def find_nginx() -> str:
    """Return nginx, or skip saying what is missing."""
    return program("nginx", "nginx-light")


def version(nginx: str) -> tuple[int, ...]:
    """Return its version as numbers."""
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(int(part) for part in re.findall(r"\d+", said.partition("/")[2])[:3])


class Nginx:
    """nginx in front of `upstream` (host:port); `snippets` are files of its site.d by name."""

    def __init__(
        self,
        folder: Path,
        port: int,
        upstream: str,
        media: Path,
        snippets: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self.access_log = folder / "access.log"
        self._folder = folder
        self._binary = find_nginx()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "site.d").mkdir()
        for name, text in (snippets or {}).items():
            (folder / "site.d" / name).write_text(text)
        # As the nginx image fills in the template, and then the places of this machine.
        text = TEMPLATE.read_text()
        for name, value in {
            "SITE_HOST": "127.0.0.1",
            "SITE_UPSTREAM": upstream,
            "NGINX_LOCAL_RESOLVERS": "127.0.0.1",
        }.items():
            text = text.replace(f"${{{name}}}", value)
        for place, here in {
            "listen 8080": f"listen 127.0.0.1:{port}",
            "/tmp/": f"{folder}/",  # noqa: S108 - the template's, to be replaced
            "/dev/stdout": str(self.access_log),
            "/etc/nginx/site.d/": f"{folder}/site.d/",
            "root /srv;": f"root {media.parent};",
            "from=/srv;": f"from={media.parent};",
        }.items():
            assert place in text, place
            text = text.replace(place, here)
        # Workers of root would become somebody who cannot enter the folders of a test.
        extra = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
        (folder / "nginx.conf").write_text(text)
        self._command = [
            *(self._binary, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", extra),
        ]

    def problems(self) -> str:
        """Return what `nginx -t` has against the configuration."""
        tried = subprocess.run([*self._command, "-t"], capture_output=True, text=True)
        return "" if tried.returncode == 0 else tried.stderr

    def start(self) -> None:
        """Start it and wait until it listens."""
        log = (self._folder / "error.log").open("wb")
        self._process = subprocess.Popen(
            self._command, stdout=log, stderr=log, start_new_session=True, preexec_fn=binder()
        )
        log.close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self._process.poll() is None, (self._folder / "error.log").read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise AssertionError("nginx does not listen")

    def stop(self) -> None:
        """End it and its workers."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
