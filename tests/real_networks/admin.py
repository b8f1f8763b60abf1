"""The admin against real servers, in a browser: connect accounts, post, see it there, take it away. See `__main__`.

REAL_SCREENSHOTS names a folder for pictures of it.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import browser, running_site, sign_in  # noqa: F401 - pytest finds it here
from tests.real_networks import servers
from tests.real_networks.accounts import RealPds
from tests.real_networks.asking import Client
from tests.real_networks.servers import MastodonServer, Pds

# A site and two servers start first.
pytestmark = pytest.mark.timeout(900)
PATIENCE_MS = 60_000
ARTICLE = "What Are the Causes of Muscle Twitching?"
SECTION = "Vitamin deficiency"


@dataclass
class Visit:
    """The admin in a browser, signed in."""

    page: Page
    site: str
    pictures: Path

    def open(self, path: str) -> None:
        """Open an address of the site."""
        self.page.goto(self.site + path, wait_until="networkidle")

    def picture(self, name: str) -> None:
        """Keep what is seen."""
        self.page.screenshot(path=self.pictures / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pds | None]:
    """Return a personal data server, where there is one to try."""
    if not servers.has_pds():
        yield None
        return
    with servers.pds(tmp_path_factory.mktemp("pds")) as running:
        yield running


@pytest.fixture(scope="module")
def mastodon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MastodonServer | None]:
    """Return a server that speaks Mastodon's API, where there is one to sign in at."""
    if not servers.has_mastodon():
        yield None
        return
    with servers.mastodon(tmp_path_factory.mktemp("mastodon")) as running:
        yield running if running.password else None


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, pds: Pds | None, mastodon: MastodonServer | None
) -> Iterator[str]:
    """Start the site as `make run` does, on an empty data folder, trusting these servers alone."""
    if pds is None and mastodon is None:
        # REAL_MASTODON with a token alone, and no personal data server: a token lets programs in, and no browser.
        pytest.skip("nobody can sign in in a browser: there is no account with a password")
    folder = tmp_path_factory.mktemp("site")
    trusted = [each.origin.partition("://")[2] for each in (pds, mastodon) if each]
    # A personal data server on loopback names itself so.
    trusted += [each.replace("127.0.0.1", "localhost") for each in trusted]
    more = {"POSTING_TRUSTED_HOSTS": ",".join(trusted), "HEALTHSITE_DEMO_NETWORK": "0"}
    if mastodon and mastodon.authority:
        more["SSL_CERT_FILE"] = str(mastodon.authority)
    with running_site(folder / "data", **more) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, site: str, tmp_path: Path) -> Iterator[Visit]:  # noqa: F811 - the fixture
    """Return an administrator's browser, which takes a server's own certificate."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 1400}, ignore_https_errors=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    pictures = Path(os.environ.get("REAL_SCREENSHOTS") or tmp_path)
    pictures.mkdir(parents=True, exist_ok=True)
    visit = Visit(page, site, pictures)
    sign_in(page, site)
    yield visit
    context.close()


def test_an_article_and_a_section_are_posted_from_the_admin_and_are_on_the_servers(
    visit: Visit, pds: Pds | None, mastodon: MastodonServer | None
) -> None:
    handles = []
    if pds:
        handles.append(connect_bluesky(visit, pds))
    if mastodon:
        handles.append(connect_mastodon(visit, mastodon))
    visit.open("/admin/social-accounts/")
    visit.picture("2-accounts")

    posts = {}
    for number, about in enumerate((ARTICLE, SECTION), start=3):
        posts[about] = post_about(visit, about, handles, picture=f"{number}-{about}")

    for about, path in posts.items():
        visit.open(path)
        for handle in handles:
            delivery = delivery_to(visit, handle)
            expect(delivery.locator(".post-state").first).to_have_text("Published")
        visit.picture(f"5-ledger-{about}")
        if pds:
            seen_on_pds(visit, pds, about, path)
        if mastodon:
            seen_on_mastodon(visit, mastodon, about, path)

    visit.open("/admin/posts/")
    visit.picture("7-posts")
    if mastodon:
        correct(visit, posts[ARTICLE], mastodon)
    for handle in handles:
        take_away(visit, posts[SECTION], handle)
    visit.picture("9-deleted")
    if pds:
        assert [each for each in records(pds) if SECTION in each["value"]["text"]] == []
        assert len([each for each in records(pds) if ARTICLE in each["value"]["text"]]) == 1


def connect_bluesky(visit: Visit, server: Pds) -> str:
    """Connect an account with an app password made for this; return its handle."""
    made = RealPds.signed_in(server).json(
        "POST", "/xrpc/com.atproto.server.createAppPassword", {"name": "the site"}
    )
    page = visit.page
    visit.open("/admin/social-accounts/connect/bluesky/")
    page.get_by_label("Name").fill(server.handle)
    page.get_by_label("App password").fill(made["password"])
    page.get_by_label("Server").fill(server.origin)
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_text(re.compile("on Bluesky is connected( again)?\\."))).to_be_visible()
    check_now(visit)
    return server.handle


def connect_mastodon(visit: Visit, server: MastodonServer) -> str:
    """Go to the server, sign in there, allow it, and come back; return the account's handle."""
    page = visit.page
    visit.open("/admin/social-accounts/connect/mastodon/")
    page.get_by_label("Server").fill(server.origin)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("main").get_by_role("link", name=re.compile("^Continue to ")).click()
    page.locator("input[type=password]").fill(server.password)
    page.locator("input[type=email], input[type=text], input:not([type])").first.fill(server.name)
    visit.picture("0-signing-in-there")
    page.locator("input[type=password]").press("Enter")
    allow = page.get_by_role("button", name=re.compile("authori[sz]e|allow", re.IGNORECASE)).first
    expect(allow).to_be_visible()
    visit.picture("1-allowing-it-there")
    allow.click()
    expect(page.get_by_text(re.compile("on Mastodon is connected( again)?\\."))).to_be_visible()
    check_now(visit)
    return handle_at(server)


def handle_at(server: MastodonServer) -> str:
    """Return the account's handle."""
    return f"@{server.name}@{urlsplit(server.origin).netloc}"


def check_now(visit: Visit) -> None:
    """Have the account's page ask its server."""
    visit.page.get_by_role("main").get_by_role("button", name="Check now").click()
    expect(visit.page.get_by_text("is connected and works.")).to_be_visible()


def post_about(visit: Visit, about: str, handles: list[str], *, picture: str) -> str:
    """Write a post in an article's editor, send it, and return the path of its own page."""
    page = visit.page
    visit.open("/admin/sections/")
    page.get_by_role("link", name=SECTION).first.click()
    page.get_by_role("tab", name=re.compile("Shares")).click()
    page.get_by_role("link", name=re.compile(f"Write a post about .*{re.escape(about)}")).click()
    for handle in handles:
        page.get_by_role("checkbox", name=re.compile(re.escape(handle))).check()
    page.get_by_label("Text for all accounts").fill("Good to know: {title} #vitamins {link}")
    boxes = page.locator(".post-preview")
    expect(boxes).to_have_count(len(handles))
    for box in boxes.all():
        expect(box).to_contain_text("Good to know")
    page.get_by_role("radio", name="Now").check()
    visit.picture(picture)
    page.get_by_role("button", name="Post or schedule").click()
    page.wait_for_url(re.compile(r"/admin/posts/\d+/"))
    return urlsplit(page.url).path


def delivery_to(visit: Visit, handle: str) -> Locator:
    """Return the part of a post's page about one account."""
    return visit.page.get_by_role("region", name=handle)


def address_of(delivery: Locator) -> str:
    """Return a post's own link."""
    told = delivery.locator("div", has=delivery.page.get_by_text("Its link", exact=True)).locator(
        "dd"
    )
    # How many it brought stands beside it.
    return told.inner_text().split()[0]


def leads_to(visit: Visit, link: str, about: str) -> None:
    """Follow a post's link as its reader does."""
    visit.page.goto(link, wait_until="networkidle")
    expect(visit.page.get_by_role("heading", name=about).first).to_be_visible()


def seen_on_pds(visit: Visit, server: Pds, about: str, path: str) -> None:
    """Read the post from the server's own repository, where anybody may."""
    visit.open(path)
    link = address_of(delivery_to(visit, server.handle))
    [record] = [each for each in records(server) if link in each["value"]["text"]]
    value = record["value"]
    assert value["text"].startswith(f"Good to know: {about} #vitamins {link}")
    features = [feature for facet in value["facets"] for feature in facet["features"]]
    assert {"$type": "app.bsky.richtext.facet#link", "uri": link} in features
    assert {"$type": "app.bsky.richtext.facet#tag", "tag": "vitamins"} in features
    card = value["embed"]["external"]
    assert (card["uri"], card["title"]) == (link, about)
    assert card["thumb"]["size"] > 0
    _, _, did, collection, key = record["uri"].split("/")
    asked = urlencode({"repo": did, "collection": collection, "rkey": key})
    visit.page.goto(f"{server.origin}/xrpc/com.atproto.repo.getRecord?{asked}")
    visit.picture(f"6-there-bluesky-{about}")
    leads_to(visit, link, about)


def seen_on_mastodon(visit: Visit, server: MastodonServer, about: str, path: str) -> None:
    """Open the permalink, and read the post from the server's API, where anybody may."""
    visit.open(path)
    delivery = delivery_to(visit, handle_at(server))
    link = address_of(delivery)
    permalink = delivery.locator(f"a[href^='{server.origin}/']")
    address = permalink.get_attribute("href") or ""
    permalink.click()
    visit.page.wait_for_url(address)
    expect(visit.page.locator("body")).to_contain_text(f"Good to know: {about}")
    expect(visit.page.locator("body")).to_contain_text(link)
    visit.picture(f"6-there-mastodon-{about}")
    read = Client(server.origin, tls=server.tls).json(
        "GET", f"/api/v1/statuses/{address.rpartition('/')[2]}"
    )
    assert link in read["content"]
    assert (read["url"], read["visibility"]) == (address, "public")
    assert read["account"]["username"] == server.name
    leads_to(visit, link, about)


def correct(visit: Visit, path: str, server: MastodonServer) -> None:
    """Have a post say something else: the server does it, or it is told that it cannot and the post stays."""
    visit.open(path)
    delivery = delivery_to(visit, handle_at(server))
    link = address_of(delivery)
    address = delivery.locator(f"a[href^='{server.origin}/']").get_attribute("href") or ""
    delivery.get_by_role("link", name=re.compile("^Correct there")).click()
    visit.page.get_by_role("main").get_by_role("textbox").fill(f"Better to know: {link}")
    visit.page.get_by_role("button", name="Correct it there").click()
    visit.page.wait_for_url(f"**{path}*")
    delivery = delivery_to(visit, handle_at(server))
    refused = delivery.locator("p", has_text="does not change posts: its software cannot.")
    corrected = delivery.locator(":scope > .delivery__text", has_text="Better to know:")
    expect(refused.or_(corrected).first).to_be_visible()
    expect(delivery.locator(".post-state").first).to_have_text("Published")
    visit.picture("8-corrected-or-refused")
    read = Client(server.origin, tls=server.tls).json(
        "GET", f"/api/v1/statuses/{address.rpartition('/')[2]}"
    )
    assert ("Better" in read["content"]) is not refused.is_visible()


def take_away(visit: Visit, path: str, handle: str) -> None:
    """Delete a post there, from its page in the admin."""
    visit.open(path)
    delivery = delivery_to(visit, handle)
    delivery.get_by_role("link", name=re.compile("^Delete there")).click()
    visit.page.get_by_role("button", name="Yes, delete it there").click()
    visit.page.wait_for_url(f"**{path}*")
    expect(delivery.locator(".post-state").first).to_have_text("Withdrawn")


def records(server: Pds) -> list[Any]:
    """Return the posts that the server's own repository shows to anybody."""
    asked = urlencode({"repo": server.handle, "collection": "app.bsky.feed.post", "limit": 100})
    found = Client(server.origin).json("GET", f"/xrpc/com.atproto.repo.listRecords?{asked}")
    return list(found["records"])
