"""`manage.py prepare`: what it does once, skips after, and takes up again after a kill."""

import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command

from healthsite.management.commands import prepare
from healthsite.paths import PROJECT_ROOT
from healthsite.supervisor.report import unshown_password_marker


def run() -> str:
    output = io.StringIO()
    call_command("prepare", stdout=output)
    return output.getvalue()


def run_reported() -> dict[str, str]:
    """Run it as the supervisor does; return the last text of each kind."""
    readable, writable = os.pipe()
    with os.fdopen(readable) as stream:
        call_command("prepare", report=writable)
        os.close(writable)
        return {kind: text for line in stream for kind, text in json.loads(line).items()}


# --- The first administrator ---


@pytest.fixture
def site(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave out the slow parts: database and files are up to date."""
    monkeypatch.setattr(prepare.Command, "_migrate", lambda self: None)
    monkeypatch.setattr(prepare.Command, "_collect_static_files", lambda self: None)
    monkeypatch.delenv("HEALTHSITE_ADMIN_PASSWORD", raising=False)
    yield
    unshown_password_marker(settings.DATA_DIR).unlink(missing_ok=True)


def admin_has(password: str) -> bool:
    return User.objects.get(username="admin", is_superuser=True).check_password(password)


@pytest.mark.usefixtures("site")
def test_the_first_administrator_gets_the_password_of_the_environment_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEALTHSITE_ADMIN_PASSWORD", "of the environment")
    said = run()
    assert admin_has("of the environment")
    assert "of the environment" not in said.replace("the password of HEALTHSITE", "")
    monkeypatch.setenv("HEALTHSITE_ADMIN_PASSWORD", "another one")
    assert "administrator" not in run()
    assert admin_has("of the environment")


@pytest.mark.usefixtures("site")
def test_a_generated_password_is_handed_over_once() -> None:
    told = run_reported()
    assert admin_has(told["password"])
    assert told["password"] not in told["step"]
    # The supervisor removes it when the password is on the screen.
    unshown_password_marker(settings.DATA_DIR).unlink()
    assert "password" not in run_reported()


@pytest.mark.usefixtures("site")
def test_a_start_killed_before_the_password_was_shown_makes_another() -> None:
    first = run_reported()["password"]
    second = run_reported()["password"]
    assert first != second
    assert admin_has(second)


@pytest.mark.usefixtures("site")
def test_by_hand_the_password_is_printed() -> None:
    said = run()
    assert admin_has(said.partition("admin, password ")[2].split()[0])
    assert "administrator" not in run()


@pytest.mark.usefixtures("site")
def test_an_administrator_who_signed_in_keeps_the_password() -> None:
    password = run_reported()["password"]
    admin = User.objects.get(username="admin")
    admin.last_login = admin.date_joined
    admin.save()
    assert "password" not in run_reported()
    assert admin_has(password)
    assert not unshown_password_marker(settings.DATA_DIR).exists()


@pytest.mark.usefixtures("site")
def test_nobody_who_is_called_admin_is_promoted() -> None:
    User.objects.create_user("admin")
    assert "createsuperuser" in run()
    assert not User.objects.filter(is_superuser=True).exists()


# --- Stamps ---


def test_the_stamp_follows_every_migration_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prepare._migrations_stamp()
    assert 0 < before < 2**31
    assert before == prepare._migrations_stamp()
    monkeypatch.setattr(settings, "INSTALLED_APPS", [*settings.INSTALLED_APPS, "one.more"])
    assert prepare._migrations_stamp() != before


def test_a_database_knows_by_itself_whether_it_is_migrated(
    tmp_path: Path, migrated: Callable[[Path], None]
) -> None:
    """Also when it is deleted or brought back from a backup."""
    database = tmp_path / "healthsite.sqlite3"
    migrated(tmp_path)  # by hand, so that it does not know yet
    (tmp_path / "secret_key").write_text("made up for this test, fifty characters and some more")

    first, second = prepare_in(tmp_path), prepare_in(tmp_path)
    assert "database: migrated" in first
    assert "static files: collected" in first
    assert "database: up to date" in second
    assert "static files: up to date" in second

    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    (tmp_path / "static" / "staticfiles.json").unlink()
    third = prepare_in(tmp_path)
    assert "database: migrated" in third
    assert "static files: collected" in third


def prepare_in(data: Path) -> str:
    """Run it in a process of its own on an empty data folder's database and files."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "HEALTHSITE_DATA": str(data),
        "HEALTHSITE_ADMIN_PASSWORD": "made up",
    }
    return subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
