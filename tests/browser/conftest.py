"""A running site and a browser in front of it, both real."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

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


def type_until_saved(page: Page, field: Locator, text: str) -> None:
    """Type into the editor until its autosave took the text.

    What is typed before the editor has taken stock of the form is no change to it.
    """
    for count in range(20):
        field.fill(text + "!" * (count % 2))
        with suppress(PlaywrightTimeoutError):
            page.wait_for_event(
                "response",
                lambda answer: answer.request.method == "POST" and answer.url.endswith("/edit/"),
                timeout=3000,
            )
            if field.input_value() == text:
                return


@contextmanager
def running_site(data: Path, **variables: str) -> Iterator[str]:
    """Run the site as `make run` does; yield its address, and see it end well."""
    port = free_port()
    start = Start(
        data,
        port,
        SUPERVISOR,
        data.parent / "said",
        HEALTHSITE_ADMIN_PASSWORD=PASSWORD,
        **variables,
    )
    try:
        start.wait_for(f"ready http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
        start.process.terminate()
        start.ends()
    finally:
        start.tidy()


def sign_in(page: Page, site: str) -> None:
    """Sign in as the administrator, and wait for the admin."""
    page.goto(f"{site}/admin/", wait_until="networkidle")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site}/admin/")


@pytest.fixture(scope="session")
def site_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of the running site."""
    return tmp_path_factory.mktemp("browser") / "data"


@pytest.fixture(scope="session")
def site(site_data: Path) -> Iterator[str]:
    """Start the site on an empty data folder; return its address."""
    with running_site(site_data) as address:
        yield address


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
