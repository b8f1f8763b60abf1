"""Settings → Sharing in a real browser: moved by keyboard and pointer, previewed, saved, seen by readers."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FrameLocator, Page, expect

from sharing.networks import NETWORKS
from tests.browser.conftest import sign_in
from tests.browser.test_flow import ARTICLE, WCAG, Visit

pytestmark = pytest.mark.browser

ADDRESS = "/admin/settings/sharing/sharesettings/"
NAMES = [each.name for each in NETWORKS]
FIRST, SECOND, THIRD = NETWORKS[:3]


@pytest.fixture
def desk(browser: Browser, site: str) -> Iterator[Visit]:
    """Return the settings, opened by an administrator."""
    visit = Visit(browser, site)
    sign_in(visit.page, site)
    visit.open(ADDRESS)
    yield visit
    visit.context.close()


def rows(page: Page) -> list[str]:
    found: list[str] = page.locator("[data-network]").evaluate_all(
        "rows => rows.map((row) => row.dataset.name)"
    )
    return found


def framed(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title='Preview of the share bars']")


def test_a_keyboard_moves_networks_and_readers_see_the_order_once_it_is_saved(
    desk: Visit, browser: Browser, site: str
) -> None:
    page = desk.page
    said = page.locator("[data-moved]")
    expect(page.get_by_label(f"Place of {FIRST.name}")).to_be_hidden()

    down = page.get_by_role("button", name=f"Move {FIRST.name} down")
    down.focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text(f"{FIRST.name} moved to 2 of {len(NAMES)}")
    expect(down).to_be_focused()
    page.keyboard.press("Space")
    assert rows(page)[:3] == [SECOND.name, THIRD.name, FIRST.name]
    page.get_by_role("button", name=f"Move {SECOND.name} up").press("Enter")
    expect(said).to_have_text(f"{SECOND.name} is first already")

    page.get_by_role("button", name="Reset to default order").press("Enter")
    assert rows(page) == NAMES
    expect(said).to_have_text("The networks are in their default order")

    # A pointer: over the second row's lower half, and back by Escape the first time. Each step waits for
    # what the one before it shows: the preview, drawn meanwhile, may move the list.
    expect(framed(page).locator(".share")).to_have_count(2)
    dragged, over, behind = (page.locator(f"[data-network={each.slug}]") for each in NETWORKS[:3])
    for drop in (False, True):
        dragged.locator("[data-handle]").hover()
        page.mouse.down()
        expect(dragged).to_have_class(re.compile(r"\bis-dragged\b"))
        box = over.bounding_box()
        assert box
        over.hover(position={"x": 20, "y": box["height"] - 4})
        expect(behind).to_have_class(re.compile(r"\bis-before\b"))
        if not drop:
            page.keyboard.press("Escape")
        page.mouse.up()
        expect(page.locator(".is-dragged, .is-before")).to_have_count(0)
        assert (rows(page) == NAMES) is not drop
    assert rows(page)[:3] == [SECOND.name, FIRST.name, THIRD.name]

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Sharing updated")).to_be_visible()
    assert rows(page)[:2] == [SECOND.name, FIRST.name]
    reader = Visit(browser, site)
    reader.open(ARTICLE)
    links = reader.page.locator(".share").first.locator("a[href^='/share/'][rel=nofollow]")
    expect(links.nth(0)).to_have_text(SECOND.name)
    expect(links.nth(1)).to_have_text(FIRST.name)
    reader.context.close()

    # As it was, for the tests that share this site.
    page.get_by_role("button", name="Reset to default order").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Sharing updated")).to_be_visible()
    assert rows(page) == NAMES
    assert desk.complaints == []


def test_the_preview_follows_the_form_says_what_is_wrong_and_saves_nothing(desk: Visit) -> None:
    page = desk.page
    bars = framed(page).locator(".share")
    expect(bars).to_have_count(2)
    expect(framed(page).get_by_role("button", name="Copy link").first).to_be_visible()
    framed(page).get_by_text("More").first.click()

    page.get_by_label(f"Label of {THIRD.name}").fill("Pass it on")
    expect(bars.first.get_by_text("Pass it on")).to_be_visible()
    expect(framed(page).locator("details").first).to_have_attribute("open", "")
    page.get_by_role("checkbox", name=THIRD.name, exact=True).uncheck()
    expect(bars.first.get_by_text("Pass it on")).to_have_count(0)

    # What does not work is said where the preview is, which stays as it last worked.
    page.get_by_label(f"Label of {FIRST.name}").fill(SECOND.name)
    wrong = page.locator("[data-preview-error]")
    expect(wrong).to_contain_text(f"“{SECOND.name}” is the name of another network.")
    expect(bars.first.get_by_text(FIRST.name)).to_be_visible()
    page.get_by_label(f"Label of {FIRST.name}").fill("")
    expect(wrong).to_be_empty()

    # No link leads out of it.
    framed(page).get_by_text(SECOND.name).first.click()
    expect(bars).to_have_count(2)
    width = "document.querySelector('.share-preview iframe').contentWindow.innerWidth"
    assert page.evaluate(width) == 390
    page.get_by_role("button", name="Desktop").click()
    assert page.evaluate(width) == 960

    results = Axe().run(page, context=".share-settings", options=WCAG)
    assert results.violations_count == 0, results.generate_report()
    assert [each for each in desk.complaints if not re.search("autocomplete", each)] == []
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload(wait_until="networkidle")
    expect(page.get_by_role("checkbox", name=THIRD.name, exact=True)).to_be_checked()
