"""One reader and one editor, in a real browser on a real site."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from tests.browser.conftest import sign_in
from tests.conftest import READER

pytestmark = pytest.mark.browser

ARTICLE = "/causes-of-muscle-twitching/"
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PATIENCE_MS = 20_000


class Visit:
    """A reader's browser that keeps what it asked for and what it complained about."""

    def __init__(self, browser: Browser, site: str, width: int = 1280) -> None:
        self.site = site
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900},
            # Its own would say "HeadlessChrome", which is a robot.
            user_agent=READER,
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", self._note)
        self.page.on("console", lambda message: self._complain(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> None:
        """Open an address of the site."""
        answer = self.page.goto(self.site + path, wait_until="networkidle")
        assert answer is not None

    @property
    def strangers(self) -> list[str]:
        """Return the requests that went to anyone but the site."""
        own = urlsplit(self.site).netloc
        return [url for url in self.asked if urlsplit(url).netloc not in {own, ""}]

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)

    def _complain(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """Return a new reader."""
    visit = Visit(browser, site)
    yield visit
    visit.context.close()


def test_a_reader_shares_a_section_sees_it_counted_and_an_editor_changes_it(
    browser: Browser, site: str, visit: Visit
) -> None:
    page = visit.page

    # Read: the home page leads to the article, the article to its section.
    visit.open("/")
    page.get_by_role("link", name="What Are the Causes of Muscle Twitching?").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "What Are the Causes of Muscle Twitching?"
    )
    page.get_by_role("link", name="Electrolytes").first.click()
    page.goto(site + ARTICLE + "electrolytes/", wait_until="networkidle")
    expect(page.get_by_role("heading", level=1)).to_have_text("Electrolytes")
    assert visit.strangers == [], "nobody is told before a click"
    assert visit.context.cookies() == []
    assert visit.complaints == []

    # Share: the network's composer gets our short link of this section.
    composed: list[str] = []

    def answer(route: Route) -> None:
        composed.append(route.request.url)
        route.fulfill(status=200, content_type="text/html", body="<title>Composer</title>")

    visit.context.route("https://bsky.app/**", answer)
    page.get_by_role("link", name=re.compile("Bluesky")).first.click()
    page.wait_for_url("https://bsky.app/**")
    link = re.search(re.escape(site) + r"/s/[a-z0-9]{8}bs/", unquote(composed[0]))
    assert link, composed

    # The count moves, and the link leads back to the section.
    page.goto(link[0])
    expect(page).to_have_url(site + ARTICLE + "electrolytes/")
    shared = page.get_by_text("Shared once").first
    for _ in range(20):
        page.reload(wait_until="networkidle")
        if shared.count() and shared.is_visible():
            break
        page.wait_for_timeout(500)
    expect(shared).to_be_visible()

    # Edit: the editor opens at the section from the listing, changes its summary and publishes.
    editor = Visit(browser, site)
    desk = editor.page
    sign_in(desk, site)
    editor.open("/admin/sections/")
    desk.get_by_role("link", name="Electrolytes").first.click()
    desk.wait_for_url(re.compile(r"#block-[0-9a-f-]{36}-section$"))
    block = desk.locator(f"[id='{desk.url.split('#')[1]}']")
    expect(block).to_be_in_viewport()
    block.locator("[data-contentpath='summary'] textarea").fill("Salts in your body, seen anew.")
    desk.get_by_role("button", name="More actions").last.click()
    desk.get_by_role("button", name="Publish", exact=True).click()
    desk.wait_for_load_state("networkidle")
    expect(desk.get_by_text(re.compile("has been (updated and )?published")).first).to_be_visible()
    editor.context.close()

    # See it.
    page.reload(wait_until="networkidle")
    expect(page.get_by_text("Salts in your body, seen anew.").first).to_be_visible()


def test_a_heading_typed_in_the_editor_fills_the_slug(site: str, visit: Visit) -> None:
    desk = visit.page
    sign_in(desk, site)
    home = desk.request.get(site + "/admin/api/main/pages/?type=articles.HomePage").json()
    visit.open(f"/admin/pages/add/articles/articlepage/{home['items'][0]['id']}/")
    desk.get_by_role("button", name="Insert a block").first.click()
    desk.get_by_role("option", name="Section").click()
    heading = desk.locator("[data-contentpath='heading'] input")
    slug = desk.locator("[data-contentpath='body'] [data-contentpath='slug'] input")
    heading.fill("Why do we sleep?")
    expect(slug).to_have_value("why-do-we-sleep")
    slug.fill("my-own")
    heading.fill("Something else")
    expect(slug).to_have_value("my-own")


PAGES = ["/", ARTICLE, ARTICLE + "anxiety/", "/privacy/", "/nothing-here/"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_pass_wcag_and_fit_a_narrow_phone(
    path: str, scheme: str, browser: Browser, site: str
) -> None:
    visit = Visit(browser, site, width=320)
    visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a literal, parametrised
    visit.open(path)
    results = Axe().run(visit.page, options=WCAG)
    assert results.violations_count == 0, results.generate_report()
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320, f"{path} scrolls sideways: {width}"
    assert visit.strangers == []
    visit.context.close()


def test_share_pages_pass_wcag(browser: Browser, site: str) -> None:
    visit = Visit(browser, site, width=390)
    visit.open(ARTICLE)
    counts = visit.page.get_by_role("link", name="How often was this shared?").first
    path = counts.get_attribute("href")
    assert path
    for address in (path, f"{path}mastodon/", f"{path}mastodon/?instance=mastodon.social",
                    f"{path}mastodon/?instance=127.0.0.1"):  # fmt: skip
        visit.open(address)
        results = Axe().run(visit.page, options=WCAG)
        assert results.violations_count == 0, address + results.generate_report()
    visit.context.close()


def test_without_javascript_everything_is_readable_and_shareable(
    browser: Browser, site: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + ARTICLE)
    expect(page.get_by_role("heading", name="Electrolytes").first).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Bluesky")).first).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Copy link"))).to_have_count(0)
    page.get_by_role("link", name="How often was this shared?").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    context.close()


def test_copying_the_link_is_announced_and_counted_once(browser: Browser, site: str) -> None:
    visit = Visit(browser, site)
    visit.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    visit.open(ARTICLE + "anxiety/")
    page = visit.page
    with page.expect_response("**/api/v1/share-events/") as beacon:
        page.get_by_role("button", name=re.compile("Copy link")).first.click()
    assert beacon.value.status == 202
    expect(page.get_by_text("Link copied").first).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(re.escape(site) + r"/s/[a-z0-9]{8}cl/", copied)
    assert visit.complaints == []
    visit.context.close()


def test_the_article_weighs_less_than_forty_kilobytes(browser: Browser, site: str) -> None:
    visit = Visit(browser, site)
    session = visit.context.new_cdp_session(visit.page)
    session.send("Network.enable")
    weights: list[float] = []
    session.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    visit.open(ARTICLE)
    assert 5_000 < sum(weights) < 40_000, weights
    visit.context.close()
