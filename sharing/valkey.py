"""The two Valkey servers, asked briefly: a silent one costs one reader 0.2 s every two seconds."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any, TypeVar

import redis
from django.conf import settings
from hiredis import pack_command
from redis.backoff import NoBackoff
from redis.retry import Retry

from sharing.wire import Wire

T = TypeVar("T")

logger = logging.getLogger(__name__)

# After a failure the server is not asked again for this long, in seconds.
BREAK_SECONDS = 2.0


class Silent(Exception):
    """Valkey did not answer in time, refused, or is not being asked for the moment."""


# A request that has less left than this does not begin to wait again, in seconds.
_LEAST_WAIT = 0.02


class _Waited(threading.local):
    """How long this thread has waited for servers, in seconds, since it began."""

    seconds = 0.0


_waited = _Waited()


class Patience:
    """How long one reader's request waits for all servers together; made where the request begins."""

    def __init__(self) -> None:
        self._before = _waited.seconds

    @property
    def left(self) -> float:
        """Return what is left of it, in seconds."""
        timeout: float = settings.VALKEY_TIMEOUT
        return timeout - (_waited.seconds - self._before)


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
        # For `command`; each is one thread's while it is out of here.
        self._idle: deque[Wire] = deque()
        self._pid = os.getpid()

    def command(self, *words: Any, patience: Patience) -> Any:
        """Return the answer to one command that may be sent twice; raises Silent where there is none in time.

        A connection that the server has closed since it was
        last used, as after a restart, is replaced by a new one.
        """
        return self.commands(words, patience=patience)[0]

    def commands(self, *commands: tuple[Any, ...], patience: Patience) -> list[Any]:
        """Return the answers to commands sent together, as `command` does with one.

        One refused does not keep the others from being done; then Silent is raised after all of them.
        """
        left = patience.left
        if left < _LEAST_WAIT:
            raise Silent("not asked: another server took all the time")
        return self._guarded(partial(self._converse, commands, left))

    def _converse(self, commands: tuple[tuple[Any, ...], ...], seconds: float) -> list[Any]:
        if self._pid != os.getpid():
            self._idle, self._pid = deque(), os.getpid()
        try:
            wire = self._idle.pop()
        except IndexError:
            pass
        else:
            try:
                return self._exchange(wire, commands, seconds)
            except redis.exceptions.ConnectionError:
                # The others are of the same age.
                self._idle.clear()
        begun = time.monotonic()
        pool = self._client.connection_pool
        connection = pool.connection_class(**pool.connection_kwargs)
        connection.socket_timeout = connection.socket_connect_timeout = seconds
        wire = Wire(connection)
        return self._exchange(wire, commands, max(0.001, seconds - (time.monotonic() - begun)))

    def _exchange(
        self, wire: Wire, commands: tuple[tuple[Any, ...], ...], seconds: float
    ) -> list[Any]:
        answers = wire.converse(commands, seconds)
        self._idle.append(wire)
        for answer in answers:
            if isinstance(answer, redis.RedisError):
                raise answer
        return answers

    def together(self, *commands: tuple[Any, ...]) -> list[Any]:
        """Return the answers to commands done in one transaction, just as the server gave them; raises Silent.

        The client's own way makes a dictionary of each entry of a stream.
        """
        return self._guarded(partial(self._transact, commands))

    def _transact(self, commands: tuple[tuple[Any, ...], ...]) -> list[Any]:
        with self._asked(commands) as answers:
            return answers()

    @contextmanager
    def together_ahead(self, *commands: tuple[Any, ...]) -> Iterator[Callable[[], list[Any]]]:
        """Ask as `together` does, and let the answers be taken inside this block while the server gets them ready.

        Taken or not, asking has no effect but on what the commands do. Raises Silent at either moment.
        """
        with ExitStack() as stack:
            answers = self._guarded(lambda: stack.enter_context(self._asked(commands)))
            yield lambda: self._guarded(answers)

    @contextmanager
    def _asked(self, commands: tuple[tuple[Any, ...], ...]) -> Iterator[Callable[[], list[Any]]]:
        pool = self._client.connection_pool
        connection: Any = pool.get_connection()
        words = (("MULTI",), *commands, ("EXEC",))
        is_read = False

        def answers() -> list[Any]:
            nonlocal is_read
            found = _answers_of(connection, len(words))
            is_read = True
            return found

        try:
            connection.send_packed_command([b"".join(map(pack_command, words))])
            yield answers
        except redis.ResponseError:
            is_read = True
            raise
        finally:
            if not is_read:
                # An answer, or half of one, is still to come: nobody else may read it.
                connection.disconnect()
            pool.release(connection)

    def ask(self, question: Callable[["redis.Redis"], T]) -> T:
        """Return what the question answers; raises Silent where the server does not."""
        return self._guarded(partial(question, self._client))

    def _guarded(self, question: Callable[[], T]) -> T:
        """Ask, unless the breaker is open.

        After a failure one thread at a time tries again, and the others do not wait with it.
        """
        if self._is_broken:
            with self._lock:
                if time.monotonic() < self._silent_until:
                    raise Silent("not asked: it did not answer a moment ago")
                self._silent_until = time.monotonic() + self._break_seconds
        begun = time.monotonic()
        try:
            answer = question()
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
        finally:
            _waited.seconds += time.monotonic() - begun
        self._is_broken = False
        return answer


def _answers_of(connection: Any, words: int) -> list[Any]:
    """Return the answers to a transaction of so many commands; raises what one of them was refused with."""
    refused: list[redis.ResponseError] = []
    for _ in range(words - 1):
        try:
            connection.read_response()
        except redis.ResponseError as error:
            refused.append(error)
    try:
        answers: list[Any] = connection.read_response()
    except redis.ResponseError as error:
        raise (refused or [error])[0] from error
    for answer in answers:
        if isinstance(answer, redis.ResponseError):
            raise answer
    return answers


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
