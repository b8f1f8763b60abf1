"""What goes on paper and out with newsletters, in a real browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import sign_in
from tests.browser.test_flow import ARTICLE, WCAG, Visit

pytestmark = pytest.mark.browser

PRINT = f"{ARTICLE}print/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_for_paper_passes_wcag_and_fits_a_narrow_phone(
    scheme: str, browser: Browser, site: str
) -> None:
    visit = Visit(browser, site, width=320)
    visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a literal, parametrised
    visit.open(PRINT)
    results = Axe().run(visit.page, options=WCAG)
    assert results.violations_count == 0, results.generate_report()
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320, f"scrolls sideways: {width}"
    assert visit.strangers == []
    assert visit.complaints == []
    visit.context.close()


def test_the_button_opens_the_print_dialogue_and_is_not_there_without_a_script(
    browser: Browser, site: str
) -> None:
    visit = Visit(browser, site)
    visit.page.add_init_script("window.print = () => { window.printed = true; }")
    visit.open(ARTICLE)
    visit.page.get_by_role("link", name="Print the whole article").click()
    visit.page.get_by_role("button", name="Print this page").click()
    assert visit.page.evaluate("window.printed")
    visit.context.close()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + PRINT)
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    context.close()


def test_on_paper_the_controls_are_gone_and_each_address_is_there_once(
    browser: Browser, site: str
) -> None:
    visit = Visit(browser, site)
    visit.open(PRINT)
    visit.page.emulate_media(media="print")
    page = visit.page
    expect(page.get_by_role("link", name="Back to the article")).to_be_hidden()
    expect(page.get_by_role("button", name="Print this page")).to_be_hidden()
    code = page.get_by_role("img", name="QR code that opens this article")
    expect(code).to_be_visible()
    assert code.evaluate("image => image.naturalWidth > 0"), "the strict policy lets it load"
    source = page.locator(".sources li").first
    assert source.inner_text().count("https://") == 1
    after = source.locator("a").evaluate("link => getComputedStyle(link, '::after').content")
    assert after in {"none", "normal"}
    visit.context.close()


def test_a_qr_code_is_saved_under_a_name_that_says_what_it_is(browser: Browser, site: str) -> None:
    visit = Visit(browser, site, width=390)
    # The link as it is without JavaScript: once something was shared, a number that opens stands in its place.
    served = visit.page.request.get(site + ARTICLE).text()
    found = re.search(r'href="(/share/[0-9a-z]+/)"', served)
    assert found is not None
    visit.open(found[1])
    for kind, name in (("PNG", "causes-of-muscle-twitching-qr.png"),
                       ("SVG", "causes-of-muscle-twitching-qr.svg")):  # fmt: skip
        with visit.page.expect_download() as download:
            visit.page.get_by_role("link", name=re.compile(kind)).click()
        assert download.value.suggested_filename == name
    results = Axe().run(visit.page, options=WCAG)
    assert results.violations_count == 0, results.generate_report()
    visit.context.close()


def test_an_editor_makes_a_campaign_link_follows_it_and_ends_it(
    browser: Browser, site: str
) -> None:
    editor = Visit(browser, site)
    editor.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    desk = editor.page
    sign_in(desk, site)

    # Make one, through the dialogue.
    editor.open("/admin/campaign-links/new/")
    desk.get_by_role("button", name="Choose an article or section").click()
    desk.get_by_role("link", name="Vitamin deficiency").click()
    expect(desk.get_by_role("dialog")).to_have_count(0)
    desk.fill("[name=name]", "Poster in the waiting room")
    desk.get_by_role("button", name="Create").click()
    expect(desk.get_by_text("is ready").first).to_be_visible()
    own_page = desk.url

    # Copy it, and open it as a reader.
    desk.get_by_role("button", name=re.compile("^Copy")).click()
    expect(desk.get_by_text("Copied", exact=True)).to_be_visible()
    link = desk.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(re.escape(site) + r"/s/[a-z0-9]{9}/", link)
    reader = Visit(browser, site)
    reader.page.goto(link)
    expect(reader.page).to_have_url(f"{site}{ARTICLE}vitamin-deficiency/")

    # The list counts it.
    for _ in range(20):
        editor.open("/admin/campaign-links/")
        row = desk.get_by_role("row", name=re.compile("Poster in the waiting room"))
        if re.search(r"\b1\b\s+Running", row.inner_text()):
            break
        desk.wait_for_timeout(500)
    assert re.search(r"\b1\b\s+Running", row.inner_text())

    # End it: the question first, then the reader is told.
    desk.goto(own_page)
    desk.get_by_role("link", name=re.compile("End now")).click()
    desk.get_by_role("button", name="Yes, end it").click()
    expect(desk.get_by_role("button", name="Reopen this link")).to_be_visible()
    answer = reader.page.goto(link)
    assert answer is not None
    assert answer.status == 410
    results = Axe().run(reader.page, options=WCAG)
    assert results.violations_count == 0, results.generate_report()
    reader.page.get_by_role("link", name=re.compile("Vitamin deficiency")).click()
    expect(reader.page.get_by_role("heading", level=1)).to_have_text("Vitamin deficiency")
    assert reader.strangers == editor.strangers == []
    reader.context.close()
    editor.context.close()
