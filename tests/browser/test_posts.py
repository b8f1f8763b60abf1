"""An editor watches a post being sent, and finds it in the calendar."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from healthsite.paths import PROJECT_ROOT
from tests.browser.conftest import sign_in
from tests.browser.test_flow import PATIENCE_MS, WCAG, Visit

pytestmark = pytest.mark.browser

# A post that a worker holds, which is alive as far as anybody can tell.
SENDING = """
from datetime import timedelta
from sharing.models import Delivery, ShareTarget, SocialAccount, SocialPost
from sharing.posting import actions
from sharing.posting.claims import clock

account = SocialAccount.objects.create(
    network="mastodon", host="social.example", remote_id="1", handle="@health@social.example", state="paused"
)
code = actions.new_link_code()
post = actions.compose(
    target=ShareTarget.objects.order_by("pk")[0],
    wordings=[actions.Wording(account.pk, "Mostly harmless.", code, "en")],
    timing=actions.Timing(SocialPost.When.NOW),
    by=None,
    approved=True,
)
post.deliveries.update(state="armed", fence=1, lease_until=clock() + timedelta(hours=1))
print("post", post.pk)
"""
ANSWERED = """
UPDATE sharing_delivery SET state = 'published', lease_until = NULL, not_before = NULL, remote_id = '115',
  permalink = 'https://social.example/@health/115', published_at = CURRENT_TIMESTAMP WHERE post_id = ?
"""


def test_a_posts_page_follows_what_is_under_way_and_the_calendar_leads_to_it(
    browser: Browser, site: str, site_data: Path
) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    said = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", SENDING],
        cwd=PROJECT_ROOT,
        env=kept | {"HEALTHSITE_DATA": str(site_data)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    post = int(said.split()[-1])
    visit = Visit(browser, site, width=390)
    page = visit.page
    sign_in(page, site)
    visit.open(f"/admin/posts/{post}/")
    delivery = page.get_by_role("region", name="@health@social.example")
    expect(delivery.locator(".post-state").first).to_have_text("Being sent")

    # What a worker writes down is there without anybody's doing, and is said once.
    with (
        closing(sqlite3.connect(site_data / "healthsite.sqlite3", timeout=20)) as database,
        database,
    ):
        database.execute(ANSWERED, [post])
    expect(delivery.locator(".post-state").first).to_have_text("Published", timeout=PATIENCE_MS)
    expect(page.locator("[data-post-told]")).to_have_text("@health@social.example: Published")
    expect(delivery.get_by_role("link", name="https://social.example/@health/115")).to_be_visible()
    expect(page.locator('[data-under-way="0"]')).to_have_count(1)
    results = Axe().run(page, context={"include": [[".post-page"]]}, options=WCAG)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    # On a phone the calendar is a list by day; its links are reached by keyboard.
    visit.open("/admin/posts/calendar/")
    results = Axe().run(page, context={"include": [[".calendar"]]}, options=WCAG)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    entry = page.locator(".calendar__entry", has_text="Published").first
    entry.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/posts/{post}/")
    assert visit.complaints == []
    visit.context.close()
