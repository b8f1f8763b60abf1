"""A running site and a browser in front of it, both real."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

PASSWORD = "a password for this test alone"
START_SECONDS = 120
# Debian's Chromium, as root in a container, and silent towards its maker's servers.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """Start the site as `make run` does, on an empty data folder; return its address."""
    data = Path(tempfile.mkdtemp(prefix="hs-site-", dir="/tmp"))  # short socket paths
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "CI") if name in os.environ}
    environment = kept | {
        "PORT": str(port),
        "HEALTHSITE_DATA": str(data),
        "HEALTHSITE_ADMIN_PASSWORD": PASSWORD,
    }
    log = data / "test.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "healthsite.supervisor"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        ready = f"ready http://127.0.0.1:{port}/"
        while ready not in log.read_text(errors="replace").splitlines():
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()
            shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return headless Chromium; without one the test skips, and in CI it fails."""
    executable = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if executable is None:
        message = "no Chromium on the PATH: install one (Debian: apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        chromium.close()
