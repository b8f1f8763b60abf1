"""A running site and a browser in front of it, both real."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.missing import missing
from tests.supervisor.conftest import SUPERVISOR, Start, free_port

PASSWORD = "a password for this test alone"
# Debian's Chromium, as root in a container, and silent towards its maker's servers.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the site as `make run` does, on an empty data folder; return its address."""
    folder = tmp_path_factory.mktemp("browser")
    port = free_port()
    start = Start(
        folder / "data", port, SUPERVISOR, folder / "said", HEALTHSITE_ADMIN_PASSWORD=PASSWORD
    )
    try:
        start.wait_for(f"ready http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
        start.process.terminate()
        start.ends()
    finally:
        start.tidy()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return headless Chromium; without one the test skips, and in CI it fails."""
    executable = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if executable is None:
        missing("no Chromium on the PATH: install one (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        chromium.close()
