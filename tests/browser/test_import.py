"""An editor pastes a text, looks at what was understood, and mends it in the editor."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.articles.test_import_text import LETTER, TITLE
from tests.browser.conftest import sign_in, type_until_saved
from tests.browser.test_flow import WCAG, Visit

pytestmark = pytest.mark.browser


def test_a_pasted_text_becomes_a_draft_and_its_flags_go_as_they_are_mended(
    browser: Browser, site: str
) -> None:
    visit = Visit(browser, site)
    desk = visit.page
    sign_in(desk, site)

    desk.get_by_role("link", name="Import article").click()
    desk.get_by_label("Or paste the text").fill(LETTER)
    desk.get_by_role("button", name="Preview").click()
    expect(desk.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(desk.get_by_text("Part 3: heading missing.").first).to_be_visible()
    results = Axe().run(desk, options=WCAG, context="main form")
    assert results.violations_count == 0, results.generate_report()

    desk.get_by_role("button", name="Back to the text").first.click()
    assert desk.get_by_label("Or paste the text").input_value() == LETTER
    desk.get_by_role("button", name="Preview").click()
    desk.get_by_label("Slug").fill("sore-throats")
    desk.get_by_role("button", name="Create draft").first.click()
    desk.wait_for_url(re.compile(r"/admin/pages/\d+/edit/$"))

    panel = desk.locator("#to-mend")
    expect(panel.get_by_text("heading missing.")).to_have_count(2)
    expect(panel.get_by_text("Is “Throat” meant?")).to_be_visible()
    desk.locator("#id_title").fill("What Helps Against a Sore Throat?")
    for heading in ("Warm drinks", "Moist air"):
        link = panel.get_by_role("link", name=re.compile("Go to part")).first
        anchor = link.get_attribute("href")
        link.click()
        block = desk.locator(f"[id='{(anchor or '')[1:]}']")
        expect(block).to_be_in_viewport()
        field = block.locator("[data-contentpath='heading'] input")
        mended = panel.locator(f"a[href='{anchor}']")
        type_until_saved(desk, field, heading)
        expect(mended).to_have_count(0)
    expect(panel.get_by_role("listitem")).to_have_count(0)
    expect(panel.get_by_text("To mend")).to_have_count(0)
    assert visit.complaints == []
    visit.context.close()
