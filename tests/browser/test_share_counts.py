"""The number beside a share bar: what it means, how it comes, and what happens where it does not."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import sign_in
from tests.browser.test_flow import ARTICLE, PATIENCE_MS, WCAG, Visit

pytestmark = pytest.mark.browser

COUNTS = "**/api/v1/share-counts/*/"
SHARED = {"intent": 1_234_560, "handed_over": 7, "arrival": 3, "observed": 0, "mention": 2}


@pytest.fixture
def phone(browser: Browser, site: str) -> Iterator[Visit]:
    """Return a new reader with a phone."""
    visit = Visit(browser, site, width=390)
    yield visit
    visit.context.close()


def codes(visit: Visit) -> list[str]:
    """Return the share codes in a page, the article's own first."""
    found: list[str] = visit.page.evaluate(
        "[...new Set([...document.querySelectorAll('[data-count]')].map((e) => e.dataset.count))]"
    )
    return found


def answering(visit: Visit, number: Callable[[int], dict[str, Any]]) -> None:
    """Answer for the API: the number of each place in the page, by its order, counted a while ago."""

    def answer(route: Route) -> None:
        results = [
            {"code": code, "as_of": "2026-11-26T14:03:10Z"} | number(place)
            for place, code in enumerate(codes(visit))
        ]
        route.fulfill(
            status=200,
            headers={"Date": "Thu, 26 Nov 2026 14:03:12 GMT", "Content-Type": "application/json"},
            body=json.dumps({"results": results}),
        )

    visit.context.route(COUNTS, answer)


def shared(place: int) -> dict[str, Any]:
    """Return the numbers of a place: the article's large, the first section's one, the others none."""
    classes = [SHARED, dict.fromkeys(SHARED, 0) | {"intent": 1}]
    mine = classes[place] if place < len(classes) else dict.fromkeys(SHARED, 0)
    return {"total": mine["intent"] + mine["handed_over"], "classes": mine}


def test_a_number_tells_what_it_means_to_whoever_opens_it_by_keyboard(phone: Visit) -> None:
    answering(phone, shared)
    phone.open(ARTICLE)
    page = phone.page
    summary = page.locator(".share summary", has_text="Shared 1,234,567 times").first
    expect(summary).to_be_visible(timeout=PATIENCE_MS)
    summary.focus()
    page.keyboard.press("Enter")
    told = page.locator(".share-count details[open] > div")
    expect(told).to_have_count(1)
    for words in ("Intents: 1,234,560", "Handed over: 7", "Arrivals: 3", "Mentions: 2",
                  "at least so often", "adds up the first two", "Told by the page that was read."):  # fmt: skip
        expect(told).to_contain_text(words)
    expect(told).not_to_contain_text("Observed")
    expect(told).to_contain_text(re.compile(r"Counted by this site until .*\d\d?:03.*, \d+ seconds? ago\."))  # fmt: skip
    code = codes(phone)[0]
    expect(told.get_by_role("link", name="Numbers for each way of sharing")).to_have_attribute(
        "href", f"/share/{code}/"
    )
    expect(told.get_by_role("link", name="What we count")).to_have_attribute("href", "/privacy/")
    results = Axe().run(page, options=WCAG)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Enter")
    expect(told).to_have_count(0)
    assert phone.complaints == []


def test_each_section_has_its_own_number_and_none_where_nobody_shared(phone: Visit) -> None:
    answering(phone, shared)
    phone.open(ARTICLE)
    quiet = phone.page.locator(".part-links .share-count")
    expect(quiet.first.locator("summary")).to_have_text("Shared once", timeout=PATIENCE_MS)
    quiet.first.locator("summary").click()
    expect(quiet.first.locator("details > div")).to_contain_text("Intents: 1")
    for place in range(1, quiet.count()):
        expect(quiet.nth(place)).to_be_empty()


def test_a_number_is_announced_once_however_often_it_is_fetched(phone: Visit) -> None:
    answering(phone, shared)
    phone.open(ARTICLE)
    page = phone.page
    said = page.locator("[role=status]", has_text="Shared 1,234,567 times")
    expect(said).to_have_count(1, timeout=PATIENCE_MS)
    for _ in range(2):
        with page.expect_response(COUNTS):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(said).to_have_text("Shared 1,234,567 times")
    assert page.locator("[role=status]:not(:empty)").count() == 1


def test_a_number_that_comes_late_moves_nothing_that_is_read(phone: Visit) -> None:
    held: list[Route] = []
    phone.context.route(COUNTS, lambda route: held.append(route))
    page = phone.page
    page.goto(phone.site + ARTICLE, wait_until="load")
    for _ in range(400):
        if held:
            break
        page.wait_for_timeout(50)
    where = "[...document.querySelectorAll('h2, .prose > p, .care')].map((e) => e.getBoundingClientRect().top)"
    before = page.evaluate(where)
    results = [
        {"code": code, "as_of": "2026-11-26T14:03:10Z", "total": SHARED["intent"] + 7, "classes": SHARED}
        for code in codes(phone)
    ]  # fmt: skip
    held[0].fulfill(status=200, json={"results": results})
    expect(page.locator(".share-count summary").last).to_have_text(
        "Shared 1,234,567 times", timeout=PATIENCE_MS
    )
    assert page.evaluate(where) == before


@pytest.mark.parametrize("failure", ["refused", "broken", "empty", "lost"])
def test_where_no_number_comes_the_link_stays(failure: str, phone: Visit) -> None:
    def fail(route: Route) -> None:
        if failure == "lost":
            route.abort()
        elif failure == "refused":
            route.fulfill(status=503, json={"title": "Service unavailable"})
        else:
            route.fulfill(status=200, body="<html>" if failure == "broken" else '{"results": []}')

    phone.context.route(COUNTS, fail)
    phone.open(ARTICLE)
    link = phone.page.get_by_role("link", name="How often was this shared?")
    expect(link.first).to_be_visible()
    assert phone.page.locator(".share-count details").count() == 0
    phone.page.get_by_role("button", name=re.compile("Copy link")).first.wait_for()
    assert [each for each in phone.complaints if "Failed to load resource" not in each] == []


def test_a_number_that_is_withheld_is_said_in_words(phone: Visit) -> None:
    answering(phone, lambda _: {"total": None, "classes": None, "below": 5})
    phone.open(ARTICLE + "anxiety/")
    summary = phone.page.locator(".share summary", has_text="Shared fewer than 5 times")
    summary.click(timeout=PATIENCE_MS)
    told = phone.page.locator(".share-count details[open] > div")
    expect(told).to_contain_text("So small a number is not told")
    assert told.locator("dl").count() == 0


def test_paper_has_no_number(phone: Visit) -> None:
    answering(phone, shared)
    phone.open(ARTICLE)
    expect(phone.page.locator(".share-count summary").first).to_be_visible(timeout=PATIENCE_MS)
    phone.page.emulate_media(media="print")
    assert phone.page.locator(".share-count:visible").count() == 0


def test_an_editor_compares_sections_and_the_panel_passes_wcag(browser: Browser, site: str) -> None:
    desk = Visit(browser, site, width=1280)
    page = desk.page
    sign_in(page, site)
    desk.open("/admin/sections/")
    page.get_by_role("link", name="Electrolytes").first.click()
    page.wait_for_url(re.compile(r"#block-"))
    page.get_by_role("tab", name="Shares").click()
    panel = page.locator(".share-panel:not(.share-panel--aside)")
    expect(panel.get_by_role("heading", name="Section: Electrolytes")).to_be_visible()
    assert panel.locator("svg[role=img]").count() == panel.locator(".share-panel__row").count() > 1
    # The same beside the text, while it is written.
    page.get_by_role("tab", name="Content").click()
    page.get_by_role("button", name="Toggle shares").click()
    expect(page.locator(".share-panel--aside")).to_be_visible()
    page.get_by_role("tab", name="Shares").click()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        results = Axe().run(page, context=".share-panel", options=WCAG)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    desk.context.close()
