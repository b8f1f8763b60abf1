"""What is refused before anything starts, in which words, and what is made where nothing is refused."""

import fcntl
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from healthsite import paths
from healthsite.supervisor import data_folder, port, processes, valkey
from healthsite.supervisor.failure import Failure
from tests.supervisor.conftest import Starts


def no_wait(seconds: float) -> None:
    """Let no time pass."""


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    starts = Starts(tmp_path / "file" / "data", tmp_path)
    start = starts()
    assert start.ends() == 1
    assert f"The data folder {starts.data} cannot be written: Not a directory" in start.text()
    assert "HEALTHSITE_DATA=" in start.text()
    starts.tidy()


# --- Port ---


def test_a_busy_port_is_named_with_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        busy = listener.getsockname()[1]
        with pytest.raises(Failure, match=f"Port {busy} cannot be used: .*in use") as refused:
            port.require_free(busy, after_a_crash=False, wait=no_wait)
    suggested = int(str(refused.value).partition("PORT=")[2].split()[0])
    port.require_free(suggested, after_a_crash=False, wait=no_wait)


def test_after_a_crash_the_old_owner_gets_a_moment_to_free_the_port() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    busy = listener.getsockname()[1]
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        listener.close()

    port.require_free(busy, after_a_crash=True, wait=wait)
    assert len(waited) == 1


@pytest.mark.parametrize("value", ["0", "65536", "-1", "http", "8000.5", "８０００"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(Failure, match="PORT takes a number from 1 to 65535"):
        port.from_environment()


def test_the_port_is_8000_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    assert port.from_environment() == 8000


# --- Lock ---


def test_a_folder_in_use_is_refused_and_a_clean_stop_leaves_no_trace(tmp_path: Path) -> None:
    lock = data_folder.Lock(tmp_path, "http://127.0.0.1:1/")
    with pytest.raises(Failure, match=rf"process {os.getpid()}, http://127.0.0.1:1/"):
        data_folder.Lock(tmp_path, "http://127.0.0.1:2/")
    lock.release()
    assert (tmp_path / "supervisor.lock").read_bytes() == b""


def test_nobody_starts_beside_processes_of_an_earlier_run(tmp_path: Path) -> None:
    alive = os.open(tmp_path / "children.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(alive, fcntl.LOCK_EX)
    lock = data_folder.Lock(tmp_path, "")
    said: list[str] = []
    with pytest.raises(Failure, match="earlier run on this data folder are still alive"):
        lock.wait_for_leftovers(no_wait, said.append)
    os.close(alive)
    lock.wait_for_leftovers(no_wait, said.append)
    assert said == ["processes of an earlier run are still ending"]


# --- Secret key and sockets ---


def test_the_secret_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    data_folder.make_secret_key(tmp_path)
    file = paths.secret_key_file(tmp_path)
    key = file.read_text()
    assert len(key) > 50
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    data_folder.make_secret_key(tmp_path)
    assert file.read_text() == key


def test_a_secret_key_that_a_crash_left_empty_is_made_again(tmp_path: Path) -> None:
    paths.secret_key_file(tmp_path).touch()
    paths.secret_key_file(tmp_path).with_suffix(".new").touch()
    data_folder.make_secret_key(tmp_path)
    assert paths.secret_key_file(tmp_path).stat().st_size > 50


def test_sockets_lie_in_the_data_folder_where_the_path_is_short() -> None:
    data = Path("/srv/health")
    assert paths.events_socket(data) == data / "run" / "events.sock"


def test_sockets_of_a_deep_data_folder_lie_in_a_private_folder_elsewhere(tmp_path: Path) -> None:
    data = tmp_path / ("deep" * 40)
    data.mkdir()
    data_folder.make_socket_dir(data)
    folder = paths.socket_dir(data)
    assert folder.parent == Path(tempfile.gettempdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert paths.socket_dir(tmp_path / ("deep" * 41)) != folder
    folder.rmdir()


def test_a_socket_folder_that_somebody_else_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "run").symlink_to(elsewhere)
    with pytest.raises(Failure, match="belongs to somebody else"):
        data_folder.make_socket_dir(tmp_path)

    (tmp_path / "run").unlink()
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 1_000_000)
    with pytest.raises(Failure, match="belongs to somebody else"):
        data_folder.make_socket_dir(tmp_path)


def test_a_socket_path_that_is_too_long_anywhere_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("t" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    data = tmp_path / ("deep" * 40)
    with pytest.raises(Failure, match="too long for a socket's path"):
        data_folder.make_socket_dir(data)


# --- Valkey ---


def test_a_machine_without_valkey_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Failure, match="apt install redis-server") as refused:
        valkey.find_binary()
    assert "REDIS_URL and CACHE_URL" in str(refused.value)


def test_a_machine_without_the_wheel_uses_its_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    there: Callable[[str], str | None] = {"redis-server": "/usr/bin/redis-server"}.get
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", there)
    assert valkey.find_binary() == "/usr/bin/redis-server"


def test_the_queue_is_kept_on_disk_and_never_evicted_while_the_cache_touches_no_disk() -> None:
    data = Path("/srv/health")
    events = " ".join(valkey.events_command("v", data))
    assert "--appendonly yes" in events
    assert "--maxmemory-policy noeviction" in events
    cache = " ".join(valkey.cache_command("v", data))
    assert "--appendonly no" in cache
    assert "--maxmemory-policy volatile-ttl" in cache


# --- Environment ---


def test_all_processes_agree_on_address_and_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "https://health.example.org")
    monkeypatch.setenv("TIME_ZONE", "Europe/Berlin")
    given = processes.environment(Path("/srv/health"), 8123)
    assert given["SITE_URL"] == "https://health.example.org"
    assert given["TIME_ZONE"] == "Europe/Berlin"
    assert given["HEALTHSITE_DATA"] == "/srv/health"
    monkeypatch.delenv("SITE_URL")
    assert processes.environment(Path("/"), 8123)["SITE_URL"] == "http://127.0.0.1:8123"
