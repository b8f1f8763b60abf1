"""The two Valkey servers, asked briefly: a silent one costs one reader 0.2 s every two seconds."""

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")

logger = logging.getLogger(__name__)

# After a failure the server is not asked again for this long, in seconds.
BREAK_SECONDS = 2.0


class Silent(Exception):
    """Valkey did not answer in time, refused, or is not being asked for the moment."""


class Valkey:
    """One server behind a circuit breaker. Safe to share between threads."""

    def __init__(self, url: str, *, timeout: float, break_seconds: float = BREAK_SECONDS) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            # A retry would double the wait, and an event: whoever calls decides.
            retry=Retry(NoBackoff(), 0),
        )
        self._break_seconds = break_seconds
        self._is_broken = False
        self._silent_until = 0.0
        self._lock = threading.Lock()

    def ask(self, question: Callable[["redis.Redis"], T]) -> T:
        """Return what the question answers; raises Silent where the server does not.

        After a failure one thread at a time tries again, and the others do not wait with it.
        """
        if self._is_broken:
            with self._lock:
                if time.monotonic() < self._silent_until:
                    raise Silent("not asked: it did not answer a moment ago")
                self._silent_until = time.monotonic() + self._break_seconds
        try:
            answer = question(self._client)
        except redis.exceptions.OutOfMemoryError as error:
            raise Silent(str(error)) from error
        except redis.ResponseError as error:
            logger.exception("Valkey refused a command")
            raise Silent(str(error)) from error
        except redis.RedisError as error:
            with self._lock:
                self._is_broken = True
                self._silent_until = time.monotonic() + self._break_seconds
            raise Silent(str(error)) from error
        self._is_broken = False
        return answer


@cache
def events() -> Valkey:
    """Return the durable server as readers' requests ask it."""
    return Valkey(settings.REDIS_URL, timeout=settings.VALKEY_TIMEOUT)


@cache
def events_for_jobs() -> Valkey:
    """Return the durable server as jobs ask it: patiently, and again at every sweep."""
    return Valkey(settings.REDIS_URL, timeout=10.0, break_seconds=0.0)


@cache
def volatile() -> Valkey:
    """Return the server that persists nothing: salts, visitor tags, the page cache."""
    return Valkey(settings.CACHE_URL, timeout=settings.VALKEY_TIMEOUT)
