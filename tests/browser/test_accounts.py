"""An account is connected as people do it: led to the network, and back."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import sign_in
from tests.browser.test_flow import WCAG, Visit

pytestmark = pytest.mark.browser

LIST = "/admin/social-accounts/"


def test_an_administrator_connects_the_demo_network_by_signing_in_there(
    browser: Browser, site: str
) -> None:
    visit = Visit(browser, site)
    page = visit.page
    sign_in(page, site)

    visit.open(LIST)
    main = page.get_by_role("main")
    # Another test on the same site may have been first.
    main.get_by_role("link", name=re.compile("^Connect (an|the first) account$")).click()
    demo = main.get_by_role("link", name="See what is on it").get_attribute("href") or ""
    main.get_by_role("link", name="Mastodon").click()
    page.get_by_label("Server").fill(demo)
    page.get_by_role("button", name="Go on").click()
    # No redirect after a form: the policy of our own pages would stop it.
    main.get_by_role("link", name="Continue to 127.0.0.1").click()
    page.get_by_role("button", name="Connect @demo").click()
    expect(page.get_by_text(re.compile("on Mastodon is connected( again)?\\."))).to_be_visible()
    main.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("is connected and works.")).to_be_visible()
    assert visit.complaints == []

    narrow = Visit(browser, site, width=390)
    narrow.context.add_cookies(visit.context.cookies())  # type: ignore[arg-type]  # as they came
    for path in (page.url.removeprefix(site), LIST, f"{LIST}connect/bluesky/", f"{LIST}connect/"):
        narrow.open(path)
        results = Axe().run(narrow.page, context="main", options=WCAG)
        assert results.violations_count == 0, results.generate_report()
        width = narrow.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{path} scrolls sideways: {width}"
    for each in (visit, narrow):
        each.context.close()
