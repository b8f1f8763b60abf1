"""A secret may come from a file; what is wrong with it is said by name, and never shown."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from healthsite import env, paths, variables

# What generators and people put into passwords, and what an address would have to escape.
ODD = "p@ss/w%rd:#?&+ 'with' \"quotes\" \\ ü€ $HOME `x` "


@pytest.fixture(autouse=True)
def _no_such_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SETTING", "SETTING_FILE", "PASSWORD_APART", "PASSWORD_APART_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what writes a file and names it in a variable."""

    def write(content: str | bytes, variable: str = "SETTING_FILE") -> Path:
        path = tmp_path / variable.lower()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        monkeypatch.setenv(variable, str(path))
        return path

    return write


@pytest.mark.parametrize(
    ("content", "expected"),
    [("word", "word"), ("word\n", "word"), ("word\n\n", "word"), (f"{ODD}\n", ODD)],
)
def test_a_file_is_its_one_line(content: str, expected: str, file: Any) -> None:
    file(content)
    assert env.secret("SETTING") == expected


def test_a_text_may_come_from_a_file(file: Any) -> None:
    file(" redis://events/0 \r\n")
    assert env.text("SETTING", "a default") == "redis://events/0"


def test_without_either_there_is_nothing() -> None:
    assert env.secret("SETTING") == ""
    assert env.text("SETTING", "a default") == "a default"


def test_a_value_and_a_file_are_one_too_many(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file("word")
    monkeypatch.setenv("SETTING", "another")
    with pytest.raises(ImproperlyConfigured, match="Set SETTING or SETTING_FILE, not both"):
        env.text("SETTING")


def test_an_empty_value_beside_a_file_is_none(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Compose passes on a variable that is not set."""
    file("word")
    monkeypatch.setenv("SETTING", "")
    assert env.text("SETTING") == "word"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "which is empty"),
        ("\n", "which is empty"),
        (" \t\n", "which is empty"),
        ("one\ntwo\n", "more than one line"),
        ("a\0b", "more than one line"),
        (b"\xff\xfe", "not text in UTF-8"),
        ("x" * 70_000, "more than one line"),
    ],
)
def test_a_file_that_holds_no_secret_is_named(
    content: str | bytes, problem: str, file: Any
) -> None:
    path = file(content)
    with pytest.raises(ImproperlyConfigured, match=problem) as refused:
        env.text("SETTING", "a default")
    assert f"SETTING_FILE is {path}" in str(refused.value)


@pytest.mark.parametrize("path", ["/nowhere/secret", "/", "x" * 5000])
def test_a_file_that_cannot_be_read_is_named(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTING_FILE", path)
    with pytest.raises(variables.VariableError, match=r"SETTING_FILE is .*cannot be read"):
        variables.read("SETTING")


def test_a_device_that_never_ends_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTING_FILE", "/dev/zero")
    with pytest.raises(variables.VariableError, match="more than one line"):
        variables.read("SETTING")


# --- The database's password ---


def database(monkeypatch: pytest.MonkeyPatch, url: str) -> dict[str, Any]:
    monkeypatch.setenv("SETTING", url)
    return env.database("SETTING", "", password="PASSWORD_APART")


def test_a_password_apart_needs_no_escaping(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file(f"{ODD}\n", "PASSWORD_APART_FILE")
    settings = database(monkeypatch, "postgres://healthsite@database:5433/site")
    assert settings["PASSWORD"] == ODD
    assert (settings["USER"], settings["HOST"], settings["PORT"], settings["NAME"]) == (
        *("healthsite", "database", 5433, "site"),
    )


def test_a_password_in_the_address_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert database(monkeypatch, "postgres://me:p%40ss@database/site")["PASSWORD"] == "p@ss"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgres://me:secret@database/site", "SETTING holds a password already"),
        ("postgres://database/site", "SETTING names no user"),
        ("sqlite:///site.sqlite3", "SETTING names no user"),
    ],
)
def test_a_password_that_fits_nowhere_is_refused_and_not_shown(
    url: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD_APART", "hidden")
    with pytest.raises(ImproperlyConfigured, match=problem) as refused:
        database(monkeypatch, url)
    assert "hidden" not in str(refused.value)
    assert "secret@" not in str(refused.value)


# --- The settings as a whole ---


def test_every_secret_of_production_may_come_from_a_file(
    file: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "CACHE_URL", "DATABASE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEALTHSITE_DATA", str(tmp_path))
    monkeypatch.setenv("SITE_URL", "https://health.example.org")
    file("k" * 60, "SECRET_KEY_FILE")
    file("postgres://me@database/site", "DATABASE_URL_FILE")
    file(ODD, "DATABASE_PASSWORD_FILE")
    file("redis://:one@events/0", "REDIS_URL_FILE")
    file("redis://:two@cache/0", "CACHE_URL_FILE")
    told = runpy.run_path(str(paths.PROJECT_ROOT / "healthsite" / "settings.py"))
    assert told["SECRET_KEY"] == "k" * 60
    assert told["DATABASES"]["default"]["PASSWORD"] == ODD
    assert told["REDIS_URL"] == "redis://:one@events/0"
    assert told["CACHES"]["default"]["LOCATION"] == "redis://:two@cache/0"
