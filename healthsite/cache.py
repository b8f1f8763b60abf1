"""Django's cache on Valkey, where a server that is down or frozen is an empty cache.

Django's own backend raises when the server is down and waits five seconds a call when it is frozen.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from sharing import valkey

T = TypeVar("T")


class _PatientClient(RedisCacheClient):
    """Django's client behind the breaker that all users of this server share."""

    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, retry=Retry(NoBackoff(), 0), **options)

    def add(self, key: str, value: Any, timeout: int | None) -> bool:
        return _ask(lambda: super(_PatientClient, self).add(key, value, timeout), otherwise=False)

    def get(self, key: str, default: Any) -> Any:
        return _ask(lambda: super(_PatientClient, self).get(key, default), otherwise=default)

    def set(self, key: str, value: Any, timeout: int | None) -> None:
        _ask(lambda: super(_PatientClient, self).set(key, value, timeout), otherwise=None)

    def touch(self, key: str, timeout: int | None) -> bool:
        return _ask(lambda: super(_PatientClient, self).touch(key, timeout), otherwise=False)

    def delete(self, key: str) -> bool:
        return _ask(lambda: super(_PatientClient, self).delete(key), otherwise=False)

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        return _ask(lambda: super(_PatientClient, self).get_many(keys), otherwise={})

    def has_key(self, key: str) -> bool:
        return _ask(lambda: super(_PatientClient, self).has_key(key), otherwise=False)

    def set_many(self, data: dict[str, Any], timeout: int | None) -> None:
        _ask(lambda: super(_PatientClient, self).set_many(data, timeout), otherwise=None)

    def delete_many(self, keys: Iterable[str]) -> None:
        _ask(lambda: super(_PatientClient, self).delete_many(keys), otherwise=None)


class PatientCache(RedisCache):
    """Redis as a cache that never raises and never makes a reader wait."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _PatientClient


def _ask(question: Callable[[], T], *, otherwise: T) -> T:
    try:
        return valkey.volatile().ask(lambda _: question())
    except valkey.Silent:
        return otherwise
