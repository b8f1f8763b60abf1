"""bootstrap.py: what it says to machines that lack something, and when it installs."""

import ast
import fcntl
import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor import parent_death, virtualenv
from healthsite.supervisor.failure import Failure

BOOTSTRAP = PROJECT_ROOT / "bootstrap.py"


def test_an_old_python_is_told_which_one_is_needed() -> None:
    pretend = (
        "import sys; sys.version_info = (3, 10, 1); sys.argv = ['bootstrap.py', 'run'];"
        f"exec(open({str(BOOTSTRAP)!r}).read())"
    )
    ended = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("This needs Python 3.11 or newer; ")
    assert "apt install python3 python3-venv" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_an_old_python_can_read_the_file_that_tells_it() -> None:
    ast.parse(BOOTSTRAP.read_text(), feature_version=(3, 4))


def test_an_unknown_verb_is_answered_with_those_there_are() -> None:
    ended = subprocess.run([sys.executable, BOOTSTRAP, "fly"], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "'run'" in ended.stderr


def test_nothing_starts_for_a_parent_that_has_gone() -> None:
    environment = os.environ | {parent_death.VARIABLE: "999999999"}
    ended = subprocess.run(
        [sys.executable, BOOTSTRAP, "run"], capture_output=True, text=True, env=environment
    )
    assert ended.returncode == 1
    assert "nothing was started" in ended.stderr


# --- When it installs ---


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a tree whose `.venv` is there and not yet noted as whole."""
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock"):
        (tmp_path / name).write_text(f"the {name} of today")
    monkeypatch.setattr(virtualenv, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(virtualenv, "PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(virtualenv, "STAMP", tmp_path / ".venv/installed.json")
    monkeypatch.setattr(virtualenv, "UV_LOCK", tmp_path / "requirements-uv.lock")
    monkeypatch.setattr(virtualenv, "RUN_LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(virtualenv, "DEV_LOCK", tmp_path / "requirements-dev.lock")
    monkeypatch.setattr(virtualenv, "uv_settings", lambda pip: {})
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    return tmp_path


def test_a_half_made_environment_is_not_used(tree: Path) -> None:
    assert not virtualenv.is_installed(virtualenv.RUN_LOCK)


def test_after_the_tests_the_site_needs_nothing_more(tree: Path) -> None:
    virtualenv.write_stamp(virtualenv.DEV_LOCK)
    assert virtualenv.is_installed(virtualenv.DEV_LOCK)
    assert virtualenv.is_installed(virtualenv.RUN_LOCK)


def test_after_the_site_the_tests_still_need_their_tools(tree: Path) -> None:
    virtualenv.write_stamp(virtualenv.RUN_LOCK)
    assert virtualenv.is_installed(virtualenv.RUN_LOCK)
    assert not virtualenv.is_installed(virtualenv.DEV_LOCK)


def test_a_changed_lock_file_is_installed(tree: Path) -> None:
    virtualenv.write_stamp(virtualenv.RUN_LOCK)
    virtualenv.RUN_LOCK.write_text("of tomorrow")
    assert not virtualenv.is_installed(virtualenv.RUN_LOCK)


def test_an_environment_of_another_python_is_not_used(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    virtualenv.write_stamp(virtualenv.RUN_LOCK)
    monkeypatch.setattr(sys, "version", "3.99.0")
    assert not virtualenv.is_installed(virtualenv.RUN_LOCK)


def test_a_moved_environment_is_not_used(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    virtualenv.write_stamp(virtualenv.RUN_LOCK)
    moved = tree / "moved"
    (tree / ".venv").rename(moved)
    for name, path in (("VENV", ""), ("PYTHON", "bin/python"), ("STAMP", "installed.json")):
        monkeypatch.setattr(virtualenv, name, moved / path)
    assert not virtualenv.is_installed(virtualenv.RUN_LOCK)


def test_an_environment_whose_python_is_gone_is_not_used(tree: Path) -> None:
    virtualenv.write_stamp(virtualenv.RUN_LOCK)
    virtualenv.PYTHON.unlink()
    virtualenv.PYTHON.symlink_to("/nowhere/python3")
    assert not virtualenv.is_installed(virtualenv.RUN_LOCK)


# --- How it installs ---


class Recorded(virtualenv.Installation):
    """An installation whose programs do not run; those named in `fails` fail."""

    def __init__(self, *fails: str) -> None:
        super().__init__(parent_death.Parent())
        self._fails = fails
        self.commands: list[str] = []

    def _run(self, command: Sequence[str], more: Mapping[str, str] | None = None) -> int:
        self.commands.append(" ".join(command))
        if "venv" in command:
            virtualenv.PYTHON.parent.mkdir(parents=True)
            virtualenv.PYTHON.symlink_to(sys.executable)
        return int(any(word in self.commands[-1] for word in self._fails))


def test_an_unusable_environment_is_made_anew_from_hashes(tree: Path) -> None:
    (tree / ".venv/old").touch()
    installation = Recorded()
    installation.install(virtualenv.RUN_LOCK)
    assert virtualenv.is_installed(virtualenv.RUN_LOCK)
    assert not (tree / ".venv/old").exists()
    make, install_uv, sync = installation.commands
    assert "-m venv --without-pip" in make
    assert "--require-hashes" in install_uv
    assert install_uv.endswith("requirements-uv.lock")
    assert "pip sync" in sync
    assert "--require-hashes" in sync
    assert sync.endswith("requirements.lock")


def test_a_newer_lock_file_is_installed_into_what_is_there(tree: Path) -> None:
    virtualenv.write_stamp(virtualenv.RUN_LOCK)
    installation = Recorded()
    installation.install(virtualenv.DEV_LOCK)
    (sync,) = installation.commands
    assert sync.endswith("requirements-dev.lock")
    assert virtualenv.is_installed(virtualenv.DEV_LOCK)
    assert virtualenv.is_installed(virtualenv.RUN_LOCK)


def test_where_uv_fails_pip_installs_the_same_by_the_same_hashes(
    tree: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    virtualenv.write_stamp(virtualenv.RUN_LOCK)
    installation = Recorded("bin/uv")
    installation.install(virtualenv.DEV_LOCK)
    assert installation.commands[-1].endswith("requirements-dev.lock")
    assert "/pip " in installation.commands[-1]
    assert "--no-deps --require-hashes" in installation.commands[-1]
    assert "pip does the same more slowly" in capfd.readouterr().out
    assert virtualenv.is_installed(virtualenv.DEV_LOCK)


def test_without_a_network_it_says_so_and_is_tried_again_next_time(tree: Path) -> None:
    virtualenv.write_stamp(virtualenv.RUN_LOCK)
    with pytest.raises(Failure, match="Is the network there"):
        Recorded("requirements").install(virtualenv.DEV_LOCK)
    assert not virtualenv.is_installed(virtualenv.RUN_LOCK)


def test_a_python_without_venv_is_told_the_package(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Failure, match="apt install python3-venv"):
        Recorded().install(virtualenv.RUN_LOCK)


def test_uv_is_told_the_index_of_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example.org/simple")
    monkeypatch.setattr(virtualenv, "PYTHON", sys.executable)
    settings = virtualenv.uv_settings(virtualenv.find_pip())
    assert settings["UV_DEFAULT_INDEX"] == "https://mirror.example.org/simple"


def test_two_installations_at_once_wait_for_each_other(
    tree: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    virtualenv.write_stamp(virtualenv.RUN_LOCK)
    other = os.open(virtualenv.UV_LOCK, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    installation = Recorded()

    def other_finishes(seconds: float) -> None:
        virtualenv.write_stamp(virtualenv.DEV_LOCK)
        os.close(other)

    monkeypatch.setattr(installation, "_sleep", other_finishes)
    installation.install(virtualenv.DEV_LOCK)
    assert installation.commands == []
    assert "another start is installing" in capfd.readouterr().out
