"""The cache forgets where it must, and never raises or makes a reader wait."""

import time

import pytest
from django.core.cache import cache

from sharing import valkey
from tests.services import cache_server

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def use_all() -> list[object]:
    """Ask everything that a cache can be asked, and return what has an answer."""
    cache.set("a", 1)
    cache.delete_many(["b", "c"])
    cache.clear()
    return [
        cache.get("a", "nothing"),
        cache.add("a", 1),
        cache.touch("a"),
        cache.get_many(["a", "b"]),
        cache.set_many({"a": 1, "b": 2}),
        cache.has_key("a"),
        "a" in cache,
        cache.get_or_set("a", "made"),
        cache.delete("a"),
    ]


SILENT: list[object] = ["nothing", False, False, {}, [], False, False, "made", False]


def test_what_is_set_is_got_back() -> None:
    for value in ("words", 7, {"a": [1, None]}, b"bytes", "💤"):
        cache.set("key", value)
        assert cache.get("key") == value
    assert cache.get("another", "default") == "default"


def test_several_are_set_and_got_at_once() -> None:
    cache.set_many({"a": 1, "b": "two"})
    assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": "two"}
    cache.delete_many(["a"])
    assert cache.get_many(["a", "b"]) == {"b": "two"}


def test_a_key_is_added_once_and_can_be_deleted() -> None:
    assert cache.add("key", 1)
    assert not cache.add("key", 2)
    assert cache.get("key") == 1
    assert cache.has_key("key")
    assert cache.delete("key")
    assert not cache.delete("key")
    assert cache.get("key") is None


def test_a_counter_counts() -> None:
    cache.set("key", 1)
    assert cache.incr("key", 2) == 3


def test_a_key_ends_by_itself() -> None:
    cache.set("key", 1, timeout=1)
    assert cache.get("key") == 1
    assert cache.touch("key", timeout=0) in {True, False}
    assert cache.get("key") is None


def test_clearing_forgets_all() -> None:
    cache.set("key", 1)
    cache.clear()
    assert cache.get("key") is None


def test_a_killed_server_is_an_empty_cache() -> None:
    cache.set("a", 1)
    cache_server.kill()
    assert use_all() == SILENT


def test_a_frozen_server_is_an_empty_cache_and_nobody_waits(frozen_cache: None) -> None:
    began = time.monotonic()
    assert use_all() == SILENT
    # Eleven questions; Django's own cache would wait five seconds for each.
    assert time.monotonic() - began < 3


def test_with_a_frozen_server_clearing_does_nothing_and_no_counter_is_there(
    frozen_cache: None,
) -> None:
    cache.clear()
    with pytest.raises(ValueError, match="not found"):
        cache.incr("never-set")


def test_a_server_that_comes_back_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sharing.valkey.BREAK_SECONDS", 0.0)
    cache_server.kill()
    assert cache.get("a", "nothing") == "nothing"
    cache_server.start()
    valkey.volatile.cache_clear()
    cache.set("a", 1)
    assert cache.get("a") == 1


def test_a_value_that_cannot_be_kept_is_a_mistake_of_ours_and_raises() -> None:
    with pytest.raises((TypeError, AttributeError)):
        cache.set("key", lambda: None)
