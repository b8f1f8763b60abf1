"""Django's cache on Valkey, where a server that is down or frozen is an empty cache.

Django's own backend raises when the server is down and waits five seconds a call when it is frozen.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from sharing import valkey

T = TypeVar("T")


class _ForgivingClient(RedisCacheClient):
    """Django's client behind the breaker that all users of this server share."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, retry=Retry(NoBackoff(), 0), **options)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return _ask(partial(super().add, *args, **kwargs), otherwise=False)

    def get(self, key: Any, default: Any) -> Any:
        return _ask(partial(super().get, key, default), otherwise=default)

    def set(self, *args: Any, **kwargs: Any) -> None:
        _ask(partial(super().set, *args, **kwargs), otherwise=None)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return _ask(partial(super().touch, *args, **kwargs), otherwise=False)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return _ask(partial(super().delete, *args, **kwargs), otherwise=False)

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return _ask(partial(super().get_many, *args, **kwargs), otherwise={})

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return _ask(partial(super().has_key, *args, **kwargs), otherwise=False)

    def set_many(self, *args: Any, **kwargs: Any) -> None:
        _ask(partial(super().set_many, *args, **kwargs), otherwise=None)

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        _ask(partial(super().delete_many, *args, **kwargs), otherwise=None)

    def clear(self) -> bool:
        return _ask(super().clear, otherwise=False)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        counted = _ask(partial(super().incr, *args, **kwargs), otherwise=None)
        if counted is None:
            raise ValueError("The key was not found.")
        return counted


class ForgivingCache(RedisCache):
    """Redis as a cache that is empty while its server is silent."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _ForgivingClient


def _ask(question: Callable[[], T], *, otherwise: T) -> T:
    try:
        return valkey.volatile().ask(lambda _: question())
    except valkey.Silent:
        return otherwise
