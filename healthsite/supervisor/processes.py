"""The commands of the site's processes, and what is in their environment."""

import os
import sys
from pathlib import Path

from healthsite import paths

WORKER_NODE = "healthsite@localhost"
APPLICATION = "healthsite.wsgi:application"


def environment(data: Path, port: int) -> dict[str, str]:
    """Return what every process inherits: the user's variables, and those all must agree on."""
    chosen = {
        "DJANGO_SETTINGS_MODULE": "healthsite.settings",
        "HEALTHSITE_DATA": str(data),
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        # A heap for every thread takes 8 MB more of each web process (glibc, mallopt(3)).
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }
    site_url = os.environ.get("SITE_URL", "").strip() or f"http://127.0.0.1:{port}"
    return os.environ | chosen | {"SITE_URL": site_url}


def prepare(report: int) -> list[str]:
    """Return the command that prepares database, static files and content."""
    manage = str(paths.PROJECT_ROOT / "manage.py")
    return [sys.executable, manage, "prepare", "--report", str(report)]


def web(port: int, *, host: str = "127.0.0.1", workers: int = 2, threads: int = 4) -> list[str]:
    """Return the command of the web server: so many processes of so many threads."""
    return [
        *(sys.executable, "-m", "healthsite.web_server", APPLICATION),
        *("--interface", "wsgi", "--host", host, "--port", str(port)),
        # Neither browsers nor nginx speak HTTP/2 without TLS, and granian breaks off some HEAD there.
        *("--http", "1"),
        *("--workers", str(workers), "--blocking-threads", str(threads), "--no-ws"),
        *("--respawn-failed-workers", "--workers-kill-timeout", "3"),
    ]


def worker() -> list[str]:
    """Return the command of the Celery worker."""
    return [
        *(sys.executable, "-m", "celery", "-A", "healthsite.celery", "worker"),
        *("--concurrency", "2", "--hostname", WORKER_NODE, "--loglevel", "WARNING"),
        # There is one worker: nobody to compare clocks and revoked tasks with at start.
        *("--without-mingle", "--without-gossip", "--without-heartbeat"),
    ]


def beat(data: Path) -> list[str]:
    """Return the command of Celery beat."""
    return [
        *(sys.executable, "-m", "celery", "-A", "healthsite.celery", "beat"),
        *("--schedule", str(data / "beat-schedule"), "--pidfile", "", "--loglevel", "WARNING"),
    ]


def demo_network(port: int) -> list[str]:
    """Return the command of the demo network."""
    return [sys.executable, "-m", "sharing.networks.demo", "--port", str(port), "--read-links"]


def ping_worker() -> list[str]:
    """Return the command that ends when the worker answers a ping."""
    return [sys.executable, "-m", "healthsite.supervisor.ping_worker", WORKER_NODE]
