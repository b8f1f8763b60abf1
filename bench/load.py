"""Load from wrk, and what it says."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.missing import program
from bench.processes import Process
from healthsite.supervisor.parent_death import binder

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Load:
    """What one run of wrk measured; times in seconds."""

    requests: int
    rate: float
    p99: float
    errors: int
    cpu: float = 0.0

    @property
    def cpu_per_request(self) -> float:
        """Return the server's processor time for a request, in seconds."""
        return self.cpu / self.requests if self.requests else 0.0


def find_wrk() -> str:
    """Return wrk; raises NotMeasured."""
    return program("wrk", "wrk")


def parse(said: str) -> Load:
    """Return what wrk printed with --latency; raises ValueError for anything else."""
    requests = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", said)
    if not (requests and rate and p99):
        raise ValueError(f"wrk said:\n{said}")
    errors = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", said)))
    for line in re.findall(r"Socket errors: (.*)", said):
        errors += sum(map(int, re.findall(r"\d+", line)))
    return Load(int(requests[1]), float(rate[1]), float(p99[1]) * _UNITS[p99[2]], errors)


def put_load(
    url: str,
    *,
    connections: int,
    seconds: int,
    headers: Sequence[tuple[str, str]] = (),
    script: str = "",
    server: Process | None = None,
) -> Load:
    """Ask for an address with keep-alive; one thread, so that the servers have the other processor."""
    command = [find_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += ["--timeout", "5s"]
    for name, value in headers:
        command += ["-H", f"{name}: {value}"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        if script:
            file.write(script)
            file.flush()
            command += ["-s", str(Path(file.name))]
        before = server.cpu_seconds() if server else 0.0
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, url], capture_output=True, text=True, check=True, preexec_fn=binder()
        )
        cpu = server.cpu_seconds() - before if server else 0.0
    found = parse(done.stdout)
    return Load(found.requests, found.rate, found.p99, found.errors, cpu)


def medians(loads: Sequence[Load]) -> Load:
    """Return the median of each figure; errors are summed up."""
    return Load(
        requests=round(median(load.requests for load in loads)),
        rate=median(load.rate for load in loads),
        p99=median(load.p99 for load in loads),
        errors=sum(load.errors for load in loads),
        cpu=median(load.cpu_per_request for load in loads)
        * round(median(load.requests for load in loads)),
    )
