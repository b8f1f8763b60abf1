"""Every process that would run unsafely ends at once, with a sentence and without a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from healthsite.paths import PROJECT_ROOT
from tests.production.test_checks import DURABLE, KEY, VOLATILE
from tests.production.valkeys import server

pytestmark = pytest.mark.processes

PYTHON = sys.executable
GRANIAN = ("-m", "granian", "healthsite.wsgi:application", "--interface", "wsgi", "--port", "0",
           "--workers", "1", "--blocking-threads", "1")  # fmt: skip
CELERY = ("-m", "celery", "-A", "healthsite.celery")
PROCESSES = {
    "web": ("-m", "healthsite.serve"),
    "granian by itself": GRANIAN,
    "granian that brings workers back": (*GRANIAN, "--respawn-failed-workers"),
    "worker": (*CELERY, "worker", "--loglevel", "WARNING"),
    "beat": (*CELERY, "beat", "--schedule", "DATA/schedule", "--pidfile", ""),
    "prepare": ("manage.py", "prepare"),
    "supervisor": ("-m", "healthsite.supervisor"),
}


def start(command: tuple[str, ...], data: Path, **variables: str) -> tuple[int, str]:
    """Run a process that must not start; return its status and what it said."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "HEALTHSITE_DATA": str(data),
        "DATABASE_URL": f"sqlite:///{data}/never-made.sqlite3",
        **variables,
    }
    ended = subprocess.run(
        [PYTHON, *(word.replace("DATA", str(data)) for word in command)],
        cwd=PROJECT_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert not list(data.glob("*.sqlite3")), "it wrote before it was refused"
    return ended.returncode, ended.stdout


@pytest.mark.parametrize("process", PROCESSES)
def test_debug_and_a_known_key_on_a_public_address(process: str, tmp_path: Path) -> None:
    status, said = start(
        PROCESSES[process],
        tmp_path,
        SITE_URL="https://health.example.org",
        SECRET_KEY="changeme",
        DEBUG="1",
    )
    assert status != 0
    assert "DEBUG is on, and SITE_URL is https://health.example.org" in said
    assert "SECRET_KEY has 8 characters" in said
    assert "changeme" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("process", ["web", "worker", "beat", "prepare", "supervisor"])
def test_a_queue_that_would_be_evicted(process: str, tmp_path: Path) -> None:
    with server(*DURABLE[:-1], "allkeys-lru") as events, server(*VOLATILE) as cache:
        status, said = start(
            PROCESSES[process], tmp_path, SECRET_KEY=KEY, REDIS_URL=events, CACHE_URL=cache
        )
    assert status != 0
    assert "maxmemory-policy allkeys-lru" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("process", ["web", "worker", "beat", "prepare"])
def test_a_secret_whose_file_is_not_there(process: str, tmp_path: Path) -> None:
    status, said = start(
        PROCESSES[process],
        tmp_path,
        SITE_URL="https://health.example.org",
        SECRET_KEY_FILE="/run/secrets/secret_key_of_nobody",
    )
    assert status != 0
    assert (
        "SECRET_KEY_FILE is /run/secrets/secret_key_of_nobody, which cannot be read: "
        "No such file or directory."
    ) in said
    assert "Traceback" not in said
