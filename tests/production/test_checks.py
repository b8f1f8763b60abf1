"""What must not start: each check, with settings that are right but for one thing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks

from healthsite import checks, paths
from tests.production.valkeys import server

KEY = "fzT3-9vkQmXr0_2bLwYp6NcD8sHjU1eGaKoI4xVtBqMnZlRy7PdWi5CuOgJhSfEA"
POSTING_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
DURABLE = ("--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction")
VOLATILE = ("--save", "", "--appendonly", "no", "--maxmemory-policy", "volatile-ttl")


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


@pytest.fixture
def public(settings: Any) -> Any:
    """Return the settings of a public site that may start."""
    settings.SITE_URL = "https://health.example.org"
    settings.EMBEDDED = False
    settings.DEBUG = False
    settings.SECRET_KEY = KEY
    settings.ALLOWED_HOSTS = ["health.example.org"]
    settings.POSTING_KEYS = [POSTING_KEY]
    return settings


@pytest.fixture
def one_machine(settings: Any) -> Any:
    """Return the settings of `make run`."""
    settings.SITE_URL = "http://127.0.0.1:8000"
    settings.EMBEDDED = True
    settings.ALLOWED_HOSTS = ["127.0.0.1", "[::1]", "localhost"]
    return settings


def test_a_public_site_that_is_set_up_well_starts(public: Any) -> None:
    assert run_checks(tags=[checks.TAG]) == []


def test_the_checks_are_part_of_manage_check(public: Any) -> None:
    public.DEBUG = True
    assert "healthsite.E001" in ids(run_checks())


def test_debug_pages_are_for_one_machine_alone(one_machine: Any) -> None:
    one_machine.DEBUG = True
    assert checks.debug_is_off() == []


def test_a_public_site_without_keys_for_accounts_is_told_how_to_make_one(public: Any) -> None:
    public.POSTING_KEYS = []
    (warning,) = checks.posting_keys_are_keys()
    assert warning.id == "healthsite.W004"
    assert "no social account can be connected" in warning.msg
    public.EMBEDDED = True
    assert checks.posting_keys_are_keys() == []


@pytest.mark.parametrize("key", ["short", KEY, "ü" * 44, POSTING_KEY[:-2]])
def test_what_is_no_key_for_accounts_is_refused_without_being_shown(key: str, public: Any) -> None:
    public.POSTING_KEYS = [POSTING_KEY, key]
    (refused,) = checks.posting_keys_are_keys()
    assert refused.id == "healthsite.E011"
    assert "key 2 of 2" in refused.msg
    assert key not in f"{refused.msg}{refused.hint}"


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("short", "has 5 characters and needs 50"),
        ("ab" * 40, "fewer than 5 different characters"),
        (f"django-insecure-{KEY}", "is that of an example"),
        (f"{KEY}-ChangeMe", "is that of an example"),
    ],
)
def test_a_key_that_others_could_know_is_refused(key: str, problem: str, public: Any) -> None:
    public.SECRET_KEY = key
    (refused,) = checks.secret_key_is_secret()
    assert problem in refused.msg
    assert KEY not in refused.msg
    assert refused.hint
    assert "token_urlsafe" in refused.hint


def test_on_one_machine_no_key_is_judged(one_machine: Any) -> None:
    one_machine.SECRET_KEY = "changeme"
    assert checks.secret_key_is_secret() == []


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([], ["healthsite.E005"]),
        (["other.example.org"], ["healthsite.E005"]),
        (["*"], ["healthsite.E003"]),
        (["health.example.org", "*"], ["healthsite.E003"]),
        (["health.example.org", "https://www.example.org"], ["healthsite.E004"]),
        (["health.example.org", "www.example.org:8000"], ["healthsite.E004"]),
        (["health.example.org", "[::1]", ".example.org"], []),
        ([".example.org"], []),
    ],
)
def test_hosts_that_answer_everybody_or_nobody_are_refused(
    hosts: list[str], expected: list[str], public: Any
) -> None:
    public.ALLOWED_HOSTS = hosts
    assert ids(checks.hosts_are_named()) == expected


def test_a_site_on_an_ipv6_address_has_its_host(one_machine: Any) -> None:
    one_machine.SITE_URL = "http://[::1]:8000"
    assert checks.hosts_are_named() == []


def test_production_parts_behind_a_loopback_address_are_pointed_out(
    one_machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checks.public_parts_have_a_public_address() == []
    engine = "django.db.backends.postgresql"
    monkeypatch.setitem(one_machine.DATABASES["default"], "ENGINE", engine)
    one_machine.REDIS_URL, one_machine.CACHE_URL = "redis://events/0", "redis://cache/0"
    (warning,) = checks.public_parts_have_a_public_address()
    assert not warning.is_serious()
    one_machine.EMBEDDED = False
    assert checks.public_parts_have_a_public_address() == []


# --- Servers ---


@pytest.fixture(scope="module")
def durable() -> Iterator[str]:
    with server(*DURABLE) as url:
        yield url


@pytest.fixture(scope="module")
def volatile() -> Iterator[str]:
    with server(*VOLATILE) as url:
        yield url


def test_two_servers_that_are_set_up_well_are_fine(
    durable: str, volatile: str, settings: Any
) -> None:
    settings.REDIS_URL, settings.CACHE_URL = durable, volatile
    assert checks.servers_keep_their_promises() == []


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_a_queue_that_would_be_evicted_is_refused(
    policy: str, volatile: str, settings: Any
) -> None:
    settings.CACHE_URL = volatile
    with server(*DURABLE[:-1], policy) as url:
        settings.REDIS_URL = url
        (refused,) = checks.servers_keep_their_promises()
    assert refused.id == "healthsite.E006"
    assert refused.is_serious()
    assert policy in refused.msg


def test_a_queue_that_no_disk_keeps_is_pointed_out(volatile: str, settings: Any) -> None:
    settings.CACHE_URL = volatile
    with server("--save", "", "--appendonly", "no") as url:
        settings.REDIS_URL = url
        (warning,) = checks.servers_keep_their_promises()
    assert warning.id == "healthsite.W003"
    assert not warning.is_serious()


@pytest.mark.parametrize("options", [("--appendonly", "yes", "--save", ""), ("--save", "900 1")])
def test_a_cache_that_would_write_salts_to_a_disk_is_refused(
    options: tuple[str, ...], durable: str, settings: Any
) -> None:
    settings.REDIS_URL = durable
    with server(*options) as url:
        settings.CACHE_URL = url
        assert ids(checks.servers_keep_their_promises()) == ["healthsite.E008"]


def test_one_server_for_both_is_refused_by_its_name_and_by_its_identity(
    durable: str, settings: Any
) -> None:
    settings.REDIS_URL, settings.CACHE_URL = durable, durable.replace("db=0", "db=1")
    assert ids(checks.servers_keep_their_promises()) == ["healthsite.E007"]
    # The same socket by another name.
    settings.CACHE_URL = durable.replace("unix:///tmp/", "unix:///tmp/../tmp/")
    assert ids(checks.servers_keep_their_promises()) == ["healthsite.E007"]


@pytest.mark.parametrize(
    "other", ["redis://h/1", "redis://:secret@h:6379/0", "redis://user:secret@H:6379"]
)
def test_names_of_one_server_are_seen_through(other: str) -> None:
    assert checks._location(other) == checks._location("redis://h/0")


def test_a_server_that_forbids_config_still_tells_its_policy(volatile: str, settings: Any) -> None:
    settings.CACHE_URL = volatile
    with server("--maxmemory-policy", "allkeys-lru", "--rename-command", "CONFIG", "") as url:
        settings.REDIS_URL = url
        assert ids(checks.servers_keep_their_promises()) == ["healthsite.E006"]


def test_a_silent_server_is_a_warning_and_no_refusal(volatile: str, settings: Any) -> None:
    settings.REDIS_URL, settings.CACHE_URL = "unix:///nowhere/v.sock?db=0", volatile
    (warning,) = checks.servers_keep_their_promises()
    assert warning.id == "healthsite.W002"
    assert not warning.is_serious()
    assert "REDIS_URL's server could not be asked" in warning.msg


def test_servers_of_the_supervisor_are_not_asked(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = f"unix://{paths.events_socket(settings.DATA_DIR)}?db=0"
    settings.CACHE_URL = f"unix://{paths.cache_socket(settings.DATA_DIR)}?db=0"
    monkeypatch.setattr(checks, "_ask", lambda variable: pytest.fail("asked"))
    assert checks.servers_keep_their_promises() == []


def test_a_freshness_file_that_cannot_be_written_is_refused(settings: Any, tmp_path: Path) -> None:
    settings.FRESHNESS_FILE = str(tmp_path / "new" / "freshness")
    assert checks.changes_can_be_told() == []
    settings.FRESHNESS_FILE = str(tmp_path)
    [found] = checks.changes_can_be_told()
    assert found.id == "healthsite.E009"
    assert str(tmp_path) in found.msg
