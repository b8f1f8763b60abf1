"""The editor's share cards follow the draft while it is written, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in, type_until_saved
from tests.conftest import READER

pytestmark = pytest.mark.browser

PATIENCE_MS = 30_000


@pytest.fixture
def admin(browser: Browser, site: str) -> Iterator[Page]:
    """Return the browser of the signed-in administrator."""
    context = browser.new_context(
        base_url=site, user_agent=READER, viewport={"width": 1280, "height": 1200}
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    sign_in(page, site)
    yield page
    context.close()


def test_a_heading_that_is_typed_is_on_the_cards_before_it_is_published(admin: Page) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    admin.goto("/admin/sections/")
    admin.get_by_role("link", name="Electrolytes").first.click()
    admin.get_by_role("tab", name=re.compile("Shares")).click()
    card = admin.locator(".share-card", has_text="Electrolytes")
    # The worker drew it soon after the site was first started.
    expect(card).to_have_attribute("data-state", re.compile("public|being_made"))
    expect(card).to_have_attribute("data-state", "public")
    picture = card.locator("img").first
    # It is loaded when it is looked at.
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1200
    admin.get_by_role("tab", name="Content").click()
    headings = admin.locator("input[name$='-value-heading']")
    at = headings.evaluate_all("all => all.findIndex(one => one.value === 'Electrolytes')")
    type_until_saved(admin, headings.nth(at), "Salts in the blood")
    changed = admin.locator(".share-card", has_text="Salts in the blood")
    # Wagtail saves the draft by itself; nothing else is pressed.
    expect(changed).to_have_attribute("data-state", "changed")
    admin.get_by_role("tab", name=re.compile("Shares")).click()
    expect(changed.locator("img")).to_have_count(2)
    admin.get_by_role("tab", name="Content").click()
    type_until_saved(admin, headings.nth(at), "Electrolytes")
    expect(card).to_have_attribute("data-state", "public")
