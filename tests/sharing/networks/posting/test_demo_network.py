"""The demo network as a program of its own."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from sharing.networks.demo import DemoNetwork, Habits, Kind, Truth
from sharing.networks.demo.exchange import Reply
from sharing.networks.demo.faults import BEFORE, Fault, instead, spoil
from sharing.networks.http import Expect, Outbound
from tests.sharing.networks.posting.conftest import TLS

PNG = b"\x89PNG of some kind"


def test_it_says_where_it_is_answers_and_stops_when_told_to() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sharing.networks.demo", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("ready http://127.0.0.1:")
        origin = said.split()[1].rstrip("/")
        client = Outbound(trusted=[origin.removeprefix("http://")], tls=TLS)
        page = client.request("GET", f"{origin}/", expects=Expect.TEXT)
        assert b"Nothing was posted yet." in page.body
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert client.request("GET", f"{origin}/nowhere").status == 404
        assert client.request("GET", f"{origin}/control/truth").status == 404
        client.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)
        if process.stdout:
            process.stdout.close()


def test_every_fault_is_one_that_can_be_done() -> None:
    for kind in Kind:
        fault = Fault(kind)
        assert instead(fault) if kind in BEFORE else spoil(fault, Reply())


def test_two_networks_in_one_process_know_nothing_of_each_other() -> None:
    with DemoNetwork(habits=Habits(characters=5)) as one, DemoNetwork() as other:
        assert one.netloc != other.netloc
        assert one.truth.habits.characters != other.truth.habits.characters
        assert one.truth.posts is not other.truth.posts


def test_a_later_run_never_gives_an_id_of_an_earlier_one_again() -> None:
    with DemoNetwork() as network:
        assert int(network.truth.next_id()) > 115_000_000_000_000_001
        began = network.truth.began
    earlier, later = (Truth(began=began + after) for after in (0, 1))
    given = [int(earlier.next_id()) for _ in range(1000)]
    assert given == list(range(given[0], given[0] + 1000))
    assert int(later.next_id()) > given[-1]


class Site:
    """A site on this machine whose short link leads to a page with a card; it says who asked."""

    def __init__(self) -> None:
        site = self
        self.asked: list[tuple[str, str]] = []
        self.page = ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, self.headers["User-Agent"]))
                there = {
                    "/sleep/": ("text/html", site.page.encode()),
                    "/card.png": ("image/png", PNG),
                }
                kind, body = there.get(self.path, ("", b""))
                self.send_response(302 if self.path.startswith("/s/") else 200 if kind else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                leads = "https://internet.example/" if self.path == "/s/away/" else "/sleep/"
                self.send_header("Location", leads)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.page = (
            '<meta property="og:title" content="Why &lt;we&gt; sleep">'
            '<meta property="og:description" content="In plain words.">'
            f'<meta property="og:image" content="{self.origin}/card.png">'
            '<meta property="og:image:alt" content="A card that says &quot;sleep&quot;">'
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def shown(network: DemoNetwork, *, until: Callable[[str], bool]) -> str:
    """Return the network's page once it is as wanted, or as it is after 20 s."""
    client = Outbound(trusted=[network.netloc], tls=TLS)
    try:
        deadline = time.monotonic() + 20
        while True:
            answer = client.request("GET", f"{network.origin}/", expects=Expect.TEXT)
            page = answer.body.decode()
            if until(page) or time.monotonic() > deadline:
                assert "img-src 'self';" in answer.headers["content-security-policy"]
                return page
            time.sleep(0.02)
    finally:
        client.close()


def test_the_card_of_a_page_on_this_machine_is_read_as_networks_do_and_drawn() -> None:
    with Site() as site, DemoNetwork(reads_links=True) as network:
        for path, name in (
            ("/s/away/", "mastodon"),
            ("/s/gone/", "telegram"),
            ("/s/x/", "mastodon"),
        ):
            said = {"status": f"Read {site.origin}{path}"}
            network.truth.add(name, "demo", path, said["status"], said, network.truth.next_id())
        page = shown(network, until=lambda page: page.count("<img") == 2)
        assert page.count("<img") == 2
        assert f'href="{site.origin}/sleep/"' in page
        assert "<strong>Why &lt;we&gt; sleep</strong><br>In plain words." in page
        assert 'alt="A card that says &quot;sleep&quot;"' in page
        assert f'<a href="{site.origin}/s/x/">{site.origin}/s/x/</a>' in page
        picture = page.partition('<img src="')[2].partition('"')[0]
        client = Outbound(trusted=[network.netloc], tls=TLS)
        answer = client.request("GET", f"{network.origin}{picture}", expects=Expect.NOTHING)
        client.close()
        assert (answer.body, answer.headers["content-type"]) == (PNG, "image/png")
        assert "sandbox" in answer.headers["content-security-policy"]
    assert all("bot" in agent for _, agent in site.asked), "the site counts no robots"


def test_a_card_that_a_post_brings_is_drawn_with_its_picture() -> None:
    with DemoNetwork() as network:
        blob = {
            "$type": "blob",
            "ref": {"$link": network.truth.keep_picture("bafk1", "image/png", PNG)},
        }
        card = {"uri": "https://h.example/", "title": "Sleep", "description": "Why", "thumb": blob}
        said = {"text": "Read", "embed": {"external": card}}
        network.truth.add("bluesky", "demo", "k", "Read", said, "at://k")
        page = shown(network, until=bool)
        assert '<img src="/picture/bafk1" alt="The card of “Sleep”" loading="lazy">' in page


def test_what_is_no_picture_is_not_shown_and_the_oldest_go_first() -> None:
    truth = Truth()
    assert truth.keep_picture("a", "image/svg+xml", b"<svg onload=alert(1)>") == ""
    assert truth.keep_picture("b", "text/html", b"<script>") == ""
    for name in "cde":
        truth.keep_picture(name, "image/png", bytes(30 * 1024 * 1024))
    assert list(truth.pictures) == ["d", "e"]
