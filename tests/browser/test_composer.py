"""An editor's way to a post in a real browser: write, watch the counter, look, schedule, see it in the editor."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from healthsite.paths import PROJECT_ROOT
from tests.browser.conftest import sign_in
from tests.browser.test_flow import WCAG, Visit

pytestmark = pytest.mark.browser

PATIENCE_MS = 30_000
# A server that nobody may ask: it has its network's usual figures.
CONNECT = """
from sharing.models import SocialAccount as A
for network, handle in (("mastodon", "@sleep@social.example"), ("bluesky", "@sleep.example")):
    A.objects.create(network=network, host="127.0.0.1:9", remote_id=handle, handle=handle, name="Sleep well")
"""


def connect_accounts(data: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", CONNECT],
        cwd=PROJECT_ROOT,
        env=kept | {"HEALTHSITE_DATA": str(data)},
        check=True,
    )


def test_an_editor_writes_counts_looks_schedules_and_finds_the_post_in_the_editor(
    browser: Browser, site: str, site_data: Path
) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    connect_accounts(site_data)
    editor = Visit(browser, site)
    desk = editor.page
    desk.set_default_timeout(PATIENCE_MS)
    sign_in(desk, site)
    editor.open("/admin/sections/")
    desk.get_by_role("link", name="Vitamin deficiency").first.click()
    desk.get_by_role("tab", name=re.compile("Shares")).click()
    desk.get_by_role("link", name="Write a post about Vitamin deficiency").click()

    # The counters follow each key, by each network's own rule.
    desk.get_by_role("checkbox", name=re.compile("@sleep@social.example")).check()
    desk.get_by_role("checkbox", name=re.compile("@sleep.example")).check()
    text = desk.get_by_label("Text for all accounts")
    text.fill("👩‍👩‍👧‍👦" * 3 + " {link}")
    sky = desk.locator("[data-counter]", has_text="Bluesky")
    fediverse = desk.locator("[data-counter]", has_text="@sleep@social.example")
    link = sky.get_attribute("data-link") or ""
    expect(sky).to_contain_text(f"{4 + len(link)} of 300")
    text.fill("x" * 290)
    expect(sky).to_contain_text("too many")
    expect(fediverse).not_to_contain_text("too many")
    expect(desk.locator("[aria-live=polite]", has_text="too many")).to_have_count(1)

    # The previews follow a little later; each network's is its own.
    boxes = desk.locator(".post-preview")
    expect(boxes).to_have_count(2)
    text.fill("Tired? Read about {title} #sleep {link}")
    for box in boxes.all():
        expect(box).to_contain_text("Tired? Read about Vitamin deficiency #sleep")
        expect(box.locator(".post-preview__card")).to_contain_text("Vitamin deficiency")
    assert boxes.first.locator("img").evaluate(
        "image => image.decode().then(() => image.naturalWidth)"
    )
    results = Axe().run(desk, context=".composer", options=WCAG)
    assert results.violations_count == 0, results.generate_report()

    # A text of its own for one of them, by keyboard alone.
    own = desk.locator("[data-composer-own]", has_text="@sleep.example").locator("summary")
    own.focus()
    desk.keyboard.press("Enter")
    expect(desk.get_by_label("Text of its own for @sleep.example")).to_be_focused()
    desk.keyboard.press("Control+A")
    desk.keyboard.type("Only for the sky. ")
    expect(desk.locator(".post-preview--bluesky")).to_contain_text("Only for the sky.")
    expect(desk.locator(".post-preview--mastodon")).to_contain_text("Tired?")

    # A time that is over is refused, and nothing is lost.
    desk.get_by_role("radio", name="At a time").check()
    desk.fill("[name=local_time]", "2020-01-01T10:00")
    desk.get_by_role("button", name="Post or schedule").click()
    expect(desk.get_by_text("This time is over.")).to_be_visible()
    expect(text).to_have_value("Tired? Read about {title} #sleep {link}")
    desk.fill("[name=local_time]", "2099-06-01T10:00")
    desk.get_by_role("button", name="Post or schedule").click()
    expect(desk.get_by_text("Scheduled for 2 accounts")).to_be_visible()

    # It is in the article's editor.
    editor.open("/admin/sections/")
    desk.get_by_role("link", name="Vitamin deficiency").first.click()
    desk.get_by_role("tab", name=re.compile("Shares")).click()
    row = desk.locator(".posts-panel__row", has_text="Vitamin deficiency")
    expect(row).to_contain_text("Only for the sky.")
    expect(row).to_contain_text("1 June 2099, 10:00")
    expect(row.get_by_text("Scheduled")).to_have_count(2)
    assert editor.strangers == []
    editor.context.close()


def test_who_was_signed_out_while_writing_is_told_and_loses_no_word(
    browser: Browser, site: str, site_data: Path
) -> None:
    editor = Visit(browser, site)
    desk = editor.page
    sign_in(desk, site)
    editor.open("/admin/posts/new/")
    desk.get_by_role("link", name="Vitamin deficiency", exact=True).first.click()
    text = desk.get_by_label("Text for all accounts")
    text.fill("Long thought about. {link}")
    address = desk.url
    editor.context.clear_cookies(name="sessionid")

    # Typing on tells it, and the button sends nothing.
    text.press_sequentially("!")
    told = desk.get_by_role("alert").filter(has_text="You were signed out.")
    expect(told).to_be_visible()
    desk.get_by_role("button", name="Save as a draft").click()
    expect(told).to_be_visible()
    assert desk.url == address
    expect(text).to_have_value("Long thought about. {link}!")

    # Signing in, in another tab, makes the token of this page void; it gets a new one.
    with editor.context.expect_page() as opened:
        told.get_by_role("link", name="Sign in in another tab").click()
    sign_in(opened.value, site)
    opened.value.close()
    text.press_sequentially("!")
    expect(told).to_be_hidden()
    desk.get_by_role("button", name="Save as a draft").click()
    expect(desk.get_by_text("Choose at least one account.")).to_be_visible()
    expect(text).to_have_value("Long thought about. {link}!!")
    editor.context.close()
