"""What only an image does: files collected beforehand, a probe, a server on every interface."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from healthsite import paths
from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor import alive, processes


def manage(data: Path, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "HEALTHSITE_DATA": str(data),
        "HEALTHSITE_ADMIN_PASSWORD": "made up",
        "SECRET_KEY": "made up for this test, fifty characters and some more",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_files_collected_beforehand_are_compressed_and_left_alone(
    tmp_path: Path, migrated: Callable[[Path], None]
) -> None:
    static = tmp_path / "static-of-the-image"
    # Compressing those of others as well takes half a minute.
    others = [
        f"--ignore={each}" for each in ("admin", "drf_spectacular*", "rest_framework", "wagtail*")
    ]
    collected = manage(
        tmp_path,
        "collectstatic",
        "--no-input",
        "--verbosity",
        "0",
        *others,
        HEALTHSITE_STATIC=str(static),
    )
    assert collected.returncode == 0, collected.stderr
    assert (static / "staticfiles.json").exists()
    assert list(static.glob("healthsite/site.*.css.gz"))

    # As in a container: its own files cannot be written.
    migrated(tmp_path)
    before = {file: file.stat().st_mtime_ns for file in static.rglob("*")}
    prepared = manage(tmp_path, "prepare", HEALTHSITE_STATIC=str(static))
    assert prepared.returncode == 0, prepared.stderr
    assert "static files: built beforehand" in prepared.stdout
    assert {file: file.stat().st_mtime_ns for file in static.rglob("*")} == before
    assert not (tmp_path / "static").exists()


def test_an_image_without_collected_files_does_not_start(
    tmp_path: Path, migrated: Callable[[Path], None]
) -> None:
    migrated(tmp_path)
    prepared = manage(tmp_path, "prepare", HEALTHSITE_STATIC=str(tmp_path / "nothing"))
    assert prepared.returncode == 1
    assert "which holds no collected files" in prepared.stderr
    assert "Traceback" not in prepared.stderr


def test_without_an_image_static_files_lie_in_the_data_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HEALTHSITE_STATIC", raising=False)
    assert paths.built_static_dir() is None
    monkeypatch.setenv("HEALTHSITE_STATIC", "/srv/static")
    assert paths.built_static_dir() == Path("/srv/static")


# --- Is it alive? ---


def test_a_web_server_that_is_not_there_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    assert alive.main(["web"]) == "/healthz answers nothing"


@pytest.mark.parametrize("name", ["schedule", "schedule.db", "schedule.dat"])
def test_a_beat_that_wrote_a_moment_ago_is_alive(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert alive.main(["beat", str(tmp_path / "schedule")]) is None


def test_a_beat_that_stopped_writing_is_not_alive(tmp_path: Path) -> None:
    schedule = tmp_path / "schedule"
    assert alive.main(["beat", str(schedule)]) == f"there is no {schedule}"
    schedule.touch()
    long_ago = time.time() - alive.BEAT_WRITES_WITHIN - 5
    os.utime(schedule, (long_ago, long_ago))
    assert "s old" in str(alive.main(["beat", str(schedule)]))


def test_a_probe_that_is_asked_wrongly_fails() -> None:
    assert "usage" in str(alive.main([]))
    assert "usage" in str(alive.main(["beat"]))


def test_one_machine_listens_to_itself_and_a_container_to_its_network() -> None:
    assert "127.0.0.1" in processes.web(8000)
    command = processes.web(8000, host="192.0.2.1", workers=3, threads=8)
    assert command[command.index("--host") + 1] == "192.0.2.1"
    assert command[command.index("--workers") + 1] == "3"
    assert command[command.index("--blocking-threads") + 1] == "8"
