"""The demo network as a program of its own."""

import signal
import subprocess
import sys

from sharing.networks.demo import DemoNetwork, Habits, Kind, Truth
from sharing.networks.demo.exchange import Reply
from sharing.networks.demo.faults import BEFORE, Fault, instead, spoil
from sharing.networks.http import Expect, Outbound
from tests.sharing.networks.posting.conftest import TLS


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
