"""Processes of kept sites, measured inside themselves: each reads commands and answers them by lines of JSON."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.kept_sites import KeptSite
from bench.missing import NotMeasured
from bench.site import start_valkeys
from healthsite import paths
from healthsite.supervisor import data_folder
from healthsite.supervisor.parent_death import binder


class SiteProcess:
    """The process of one site, which does what it is told and says how long it took."""

    def __init__(self, site: KeptSite, module: str, environment: Mapping[str, str]) -> None:
        self.number = site.number
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=paths.PROJECT_ROOT,
            env=dict(environment),
            preexec_fn=binder(),
        )

    def ask(self, what: str, times: int, *, count: bool = False) -> list[Any]:
        """Return the seconds of each time, or what was counted each time; raises NotMeasured."""
        assert self._process.stdin and self._process.stdout  # noqa: S101 - for the types
        try:
            self._process.stdin.write(
                json.dumps({"do": what, "times": times, "count": count}) + "\n"
            )
            self._process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self._process.stdout.readline()
        if not answer:
            raise NotMeasured(f"The site of {self.number:,} articles ended at “{what}”.")
        found: list[Any] = json.loads(answer)
        return found

    def end(self) -> None:
        """Let the process tidy up and end; kill it where it does not."""
        assert self._process.stdin  # noqa: S101 - for the types
        try:
            self._process.stdin.close()
            self._process.wait(20)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()


@contextmanager
def site_processes(sites: Sequence[KeptSite], module: str) -> Iterator[list[SiteProcess]]:
    """Run a module for each site until the end of the block.

    They share two Valkeys, in databases of their own.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hs-scale-")))
        data_folder.make_writable(folder)
        data_folder.make_socket_dir(folder)
        start_valkeys(stack, folder)
        running = []
        for at, site in enumerate(sites):
            environment = site.environment(
                REDIS_URL=f"unix://{paths.events_socket(folder)}?db={at}",
                CACHE_URL=f"unix://{paths.cache_socket(folder)}?db={at}",
            )
            process = SiteProcess(site, module, environment)
            stack.callback(process.end)
            running.append(process)
        yield running
