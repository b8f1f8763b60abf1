"""The site as a process, started and stopped and killed as people and machines do it.

The tests share one data folder, so that only the first start migrates; each works alone too.
"""

import http.client
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator

import pytest

from healthsite.supervisor import virtualenv
from tests.missing import missing
from tests.supervisor.conftest import Start, Starts, free_port

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, which only Linux has"),
]


@pytest.fixture(scope="module")
def site(starts: Starts) -> Iterator[Start]:
    start = starts()
    start.wait_for("\nready ")
    yield start
    start.tidy()


def status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_it_says_where_everything_is_and_then_that_it_is_ready(site: Start, starts: Starts) -> None:
    address = f"http://127.0.0.1:{starts.port}/"
    banner, ready, rest = site.text().partition(f"\nready {address}\n")
    assert ready
    assert rest == ""
    assert f"{address}\n" in banner
    assert f"{address}admin/" in banner
    assert f"{address}api/v1/docs/" in banner
    (demo,) = (line for line in banner.splitlines() if "Demo net" in line)
    assert "leave no machine" in demo
    assert status(int(demo.split()[2].rstrip("/").rpartition(":")[2]), "/") == 200
    assert status(starts.port, "/") == 200


def test_the_new_password_is_on_the_screen_and_nowhere_else(site: Start) -> None:
    (line,) = (line for line in site.text().splitlines() if "Sign in" in line)
    password = line.split()[3].encode()
    assert len(password) == 16
    files = [file for file in site.data.rglob("*") if file.is_file()]
    assert [file for file in files if password in file.read_bytes()] == []


def test_a_second_start_names_the_process_and_the_address(site: Start, starts: Starts) -> None:
    second = starts(port=free_port())
    assert second.ends() == 1
    assert f"process {site.process.pid}, http://127.0.0.1:{starts.port}/" in second.text()
    assert status(starts.port, "/healthz") == 200


def test_a_busy_port_is_named_before_anything_starts(site: Start, starts: Starts) -> None:
    other = Starts(starts.data.with_name("other"), starts.outputs)
    refused = other(port=starts.port)
    assert refused.ends() == 1
    assert f"Port {starts.port} cannot be used" in refused.text()
    assert "PORT=" in refused.text()
    assert not (other.data / "run").exists()
    other.tidy()


def test_a_child_that_dies_is_brought_back(site: Start, starts: Starts) -> None:
    before = set(site.children())
    site.wait_for("\nready ")
    cache = next(pid for pid in before if b"cache.sock" in _command(pid))
    os.kill(cache, signal.SIGKILL)
    site.wait_for("cache: died (SIGKILL)")
    site.wait_for("cache: started again")
    assert len(site.children()) == len(before)
    assert cache not in site.children()
    assert status(starts.port, "/") == 200


def test_a_killed_supervisor_leaves_nothing_running(site: Start) -> None:
    site.process.kill()
    site.ends()
    assert site.leaves() == {}


def test_what_a_crash_left_does_not_hinder_the_next_start(starts: Starts) -> None:
    (starts.data / "run").mkdir(parents=True, exist_ok=True)
    for name in ("events.sock", "cache.sock"):
        (starts.data / "run" / name).touch()
    (starts.data / "supervisor.lock").write_text(json.dumps({"pid": 1, "address": "gone"}))
    start = starts()
    start.wait_for("\nready ")
    # The administrator was made before the crash, and the password was shown then.
    assert "Sign in" not in start.text()

    start.process.send_signal(signal.SIGTERM)
    assert start.ends() == 0
    assert start.leaves() == {}
    assert start.text().count("ready http") == 1
    assert (starts.data / "supervisor.lock").read_text() == ""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP])
def test_a_stop_in_the_middle_of_a_start_leaves_nothing(
    starts: Starts, signum: signal.Signals
) -> None:
    start = starts()
    start.wait_for("starter content")
    # Ctrl-C, and again out of impatience.
    start.process.send_signal(signum)
    start.process.send_signal(signum)
    assert start.ends() == 0
    assert "everything is stopped" in start.text()
    assert start.leaves() == {}


@pytest.fixture
def through_make(starts: Starts) -> Start:
    """Return a start by `make run`, in the middle: all processes are there."""
    if not shutil.which("make"):
        missing("make is missing (apt install make)")
    if not virtualenv.is_installed(virtualenv.RUN_LOCK):
        missing("bootstrap.py would install packages; start the tests with `make test`")
    start = starts(("make", "run", f"PYTHON={sys.executable}"))
    start.wait_for("starter content")
    return start


def test_make_starts_the_supervisor_as_its_own_child(through_make: Start) -> None:
    (supervisor,) = through_make.children()
    assert b"healthsite.supervisor" in _command(supervisor)
    through_make.process.terminate()
    through_make.ends()
    assert through_make.leaves() == {}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_when_make_alone_is_told_to_go(
    through_make: Start, signum: signal.Signals
) -> None:
    through_make.process.send_signal(signum)
    assert through_make.ends() == -signum
    assert through_make.leaves() == {}


def _command(pid: int) -> bytes:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()
