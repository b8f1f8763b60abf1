"""Settings come from the environment; what is wrong with it is said by name before anything starts."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from healthsite import env, paths

PUBLIC = "https://health.example.org"


@pytest.fixture
def variable(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what sets the variable SETTING; None leaves it out."""

    def set_to(value: str | None) -> None:
        if value is None:
            monkeypatch.delenv("SETTING", raising=False)
        else:
            monkeypatch.setenv("SETTING", value)

    return set_to


# The readers


@pytest.mark.parametrize("value", [None, "", "   "])
def test_a_required_text_that_is_missing_is_named(value: str | None, variable: Any) -> None:
    variable(value)
    with pytest.raises(ImproperlyConfigured, match="SETTING"):
        env.text("SETTING")
    assert env.text("SETTING", "a default") == "a default"


def test_a_text_is_stripped(variable: Any) -> None:
    variable("  words \n")
    assert env.text("SETTING", "a default") == "words"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("true", True), ("YES", True), (" on ", True), ("0", False), ("False", False),
     ("no", False), ("off", False), ("", False), (None, False)],
)  # fmt: skip
def test_a_flag_is_on_or_off(value: str | None, expected: bool, variable: Any) -> None:
    variable(value)
    assert env.flag("SETTING") is expected


def test_a_flag_that_is_left_out_has_its_default(variable: Any) -> None:
    variable(None)
    assert env.flag("SETTING", default=True) is True


@pytest.mark.parametrize("value", ["2", "maybe", "tru", "-1", "ja"])
def test_any_other_flag_is_named(value: str, variable: Any) -> None:
    variable(value)
    with pytest.raises(ImproperlyConfigured, match=f"SETTING .*{value}"):
        env.flag("SETTING")


@pytest.mark.parametrize(("value", "expected"), [("0", 0), (" 42 ", 42), ("", 7), (None, 7)])
def test_a_number_is_read(value: str | None, expected: int, variable: Any) -> None:
    variable(value)
    assert env.number("SETTING", 7) == expected


@pytest.mark.parametrize("value", ["-1", "1.5", "1e3", "x", "0x10", "１０ ０", "9" * 5000])
def test_any_other_number_is_named(value: str, variable: Any) -> None:
    variable(value)
    with pytest.raises(ImproperlyConfigured, match="SETTING takes a whole number from 0"):
        env.number("SETTING", 7)


def test_a_number_below_its_minimum_is_named(variable: Any) -> None:
    variable("1")
    with pytest.raises(ImproperlyConfigured, match="SETTING takes a whole number from 2"):
        env.number("SETTING", 7, minimum=2)


@pytest.mark.parametrize("value", ["1", "11", "9" * 5000])
def test_a_number_outside_its_span_is_named(value: str, variable: Any) -> None:
    variable(value)
    with pytest.raises(ImproperlyConfigured, match="SETTING takes a whole number from 2 to 10"):
        env.number("SETTING", 7, minimum=2, maximum=10)


@pytest.mark.parametrize(
    ("value", "expected"), [("a, b ,,c ", ["a", "b", "c"]), ("", []), (" , ", []), (None, [])]
)
def test_names_are_split_at_commas(value: str | None, expected: list[str], variable: Any) -> None:
    variable(value)
    assert env.names("SETTING") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://health.example.org", "https://health.example.org"),
        ("https://health.example.org/", "https://health.example.org"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        (None, "http://default.example"),
    ],
)
def test_an_origin_is_read_without_its_last_slash(
    value: str | None, expected: str, variable: Any
) -> None:
    variable(value)
    assert env.site_url("SETTING", "http://default.example") == expected


@pytest.mark.parametrize(
    "value",
    ["health.example.org", "ftp://health.example.org", "https://", "https://h.example/path",
     "https://h.example?x=1", "https://h.example#x", "https://me@h.example", "https://:secret@h.example",
     "https://h.example:port", "https://h.example:99999", "https://h.example:0", "http://[::1",
     "javascript:alert(1)", "//h.example"],
)  # fmt: skip
def test_any_other_origin_is_named_with_an_example(value: str, variable: Any) -> None:
    variable(value)
    with pytest.raises(ImproperlyConfigured, match="SETTING takes an origin such as https://"):
        env.site_url("SETTING", "http://default.example")


# The settings as a whole


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return what reads the settings anew, with these variables alone and an empty data folder."""

    def read(**variables: str) -> dict[str, Any]:
        for name in ("SITE_URL", "SECRET_KEY", "PORT", "DATABASE_URL", "REDIS_URL", "CACHE_URL", "DEBUG",
                     "ALLOWED_HOSTS", "TRUST_PROXY_HEADERS", "SHARE_COUNT_MIN", "TIME_ZONE"):  # fmt: skip
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HEALTHSITE_DATA", str(tmp_path))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(paths.PROJECT_ROOT / "healthsite" / "settings.py"))

    return read


@pytest.mark.parametrize("url", [PUBLIC, "http://health.example.org:8000", "http://10.0.0.5"])
@pytest.mark.parametrize("key", [{}, {"SECRET_KEY": "  "}], ids=["none", "blank"])
def test_a_public_site_without_a_secret_key_does_not_start(
    url: str, key: dict[str, str], started: Any, tmp_path: Path
) -> None:
    (tmp_path / "secret_key").write_text("made for one machine")
    with pytest.raises(ImproperlyConfigured, match=f"Set SECRET_KEY: SITE_URL is {url}"):
        started(SITE_URL=url, **key)


def test_one_machine_uses_the_key_in_its_data_folder(started: Any, tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("made for one machine\n")
    assert started()["SECRET_KEY"] == "made for one machine"


def test_one_machine_that_never_started_names_the_key_and_the_command(started: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Set SECRET_KEY.*make run"):
        started()


def test_a_public_https_site_has_every_protection_on(started: Any) -> None:
    told = started(SITE_URL=PUBLIC, SECRET_KEY="x" * 60)
    assert told["ALLOWED_HOSTS"] == ["health.example.org"]
    assert told["CSRF_TRUSTED_ORIGINS"] == [PUBLIC]
    assert told["SECURE_HSTS_SECONDS"] >= 31_536_000
    for name in (
        "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "SECURE_HSTS_PRELOAD",
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
    ):
        assert told[name] is True, name
    assert told["DEBUG"] is False
    assert told["SECURE_PROXY_SSL_HEADER"] is None, "nobody's header is believed unasked"


def test_one_machine_works_without_https_and_listens_to_itself_alone(started: Any) -> None:
    told = started(SECRET_KEY="x" * 60, PORT="8123")
    assert told["SITE_URL"] == "http://127.0.0.1:8123"
    assert told["ALLOWED_HOSTS"] == ["127.0.0.1", "[::1]", "localhost"]
    assert told["SECURE_HSTS_SECONDS"] == 0
    assert told["SECURE_SSL_REDIRECT"] is False
    assert told["DEBUG"] is False


def test_production_parts_are_chosen_by_their_addresses(started: Any) -> None:
    told = started(
        SITE_URL=PUBLIC,
        SECRET_KEY="x" * 60,
        DATABASE_URL="postgres://me:secret@db.example/healthsite",
        REDIS_URL="redis://events.example/0",
        CACHE_URL="redis://cache.example/0",
        ALLOWED_HOSTS="www.health.example.org, health.internal",
        TRUST_PROXY_HEADERS="1",
    )
    assert told["DATABASES"]["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert (
        "OPTIONS" not in told["DATABASES"]["default"] or not told["DATABASES"]["default"]["OPTIONS"]
    )
    assert told["REDIS_URL"] == "redis://events.example/0"
    assert told["CACHES"]["default"]["LOCATION"] == "redis://cache.example/0"
    assert told["ALLOWED_HOSTS"] == [
        "health.example.org",
        "health.internal",
        "www.health.example.org",
    ]
    assert told["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_one_machine_keeps_everything_in_its_data_folder(started: Any, tmp_path: Path) -> None:
    told = started(SECRET_KEY="x" * 60)
    assert Path(told["DATABASES"]["default"]["NAME"]).is_relative_to(tmp_path)
    assert Path(told["MEDIA_ROOT"]).is_relative_to(tmp_path)
    assert told["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "eighty"), ("SITE_URL", "health.example.org"), ("DEBUG", "maybe"),
     ("SHARE_COUNT_MIN", "-3"), ("TRUST_PROXY_HEADERS", "nginx")],
)  # fmt: skip
def test_a_setting_that_cannot_be_read_is_named(name: str, value: str, started: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        started(SECRET_KEY="x" * 60, **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SHARE_EVENT_RETENTION_DAYS", "0", "from 7 to 3650"),
        ("SHARE_EVENT_RETENTION_DAYS", "6", "from 7 to 3650"),
        ("SHARE_EVENT_RETENTION_DAYS", "-7", "from 7 to 3650"),
        ("SHARE_EVENT_RETENTION_DAYS", "99999999999", "from 7 to 3650"),
        ("SHARE_DAYS_RETENTION_DAYS", "-1", "from 0 to 36500"),
        ("SHARE_DAYS_RETENTION_DAYS", "99999999999", "from 0 to 36500"),
        ("SHARE_DAYS_RETENTION_DAYS", "6", "take 0 to keep days for ever, or at least the 7 days"),
        ("SHARE_DAYS_RETENTION_DAYS", "two years", "from 0 to 36500"),
    ],
)
def test_an_absurd_retention_stops_the_start_with_a_sentence(
    name: str, value: str, sentence: str, started: Any
) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} .*{sentence}"):
        started(SECRET_KEY="x" * 60, **{name: value})


def test_retention_is_read_from_the_environment(started: Any) -> None:
    read = started(
        SECRET_KEY="x" * 60, SHARE_EVENT_RETENTION_DAYS="14", SHARE_DAYS_RETENTION_DAYS="0"
    )
    assert read["SHARE_EVENT_RETENTION"].days == 14
    assert read["SHARE_DAYS_RETENTION_DAYS"] == 0


def test_the_metrics_token_may_come_from_a_file(started: Any, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("out of a file, kept by the operator\n")
    read = started(SECRET_KEY="x" * 60, METRICS_TOKEN_FILE=str(file))
    assert read["METRICS_TOKEN"] == "out of a file, kept by the operator"
