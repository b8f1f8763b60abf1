"""deploy/make_secrets.py: made once, whole, and shown to nobody."""

import stat
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

from healthsite import checks
from healthsite.paths import PROJECT_ROOT

NAMES = {"secret_key", "database_password", "admin_password", "posting_keys"}


def run(folder: Path) -> str:
    script = PROJECT_ROOT / "deploy/make_secrets.py"
    ended = subprocess.run(
        [sys.executable, script, folder], capture_output=True, text=True, check=True
    )
    return ended.stdout


def test_secrets_are_made_once_and_never_shown(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    said = run(folder)
    made = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(made) == NAMES
    assert len(set(made.values())) == len(NAMES)
    assert not any(secret.strip() in said for secret in made.values())
    assert len(made["secret_key"].strip()) >= checks.SHORTEST_KEY
    assert Fernet(made["posting_keys"].strip())
    assert "kept" in run(folder)
    assert {file.name: file.read_text() for file in folder.iterdir()} == made


def test_the_folder_is_for_one_user_and_its_files_for_the_containers(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    run(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o444}


def test_a_secret_that_a_crash_left_empty_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "secret_key").touch()
    (folder / ".database_password.new").touch()
    run(folder)
    assert all(file.stat().st_size for file in folder.iterdir())
    assert {file.name for file in folder.iterdir()} == NAMES
