"""Hearing of what other hosts changed, and of what a crash left untold."""

import json
import logging
import threading
import time
from datetime import timedelta

import redis
from django.conf import settings
from django.db import Error, connection
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.retry import Retry

from articles import freshness

logger = logging.getLogger(__name__)

CHANNEL = "healthsite:changed"

# Rows may become visible later than they say: a transaction lasts.
_LONGEST_TRANSACTION = timedelta(minutes=10)
# What may have been missed while no process ran; copies in the cache server are younger than this.
_LONGEST_ABSENCE = timedelta(hours=25)
# While the database or the cache server is silent, it is asked this often; in seconds.
_ASK_AGAIN = 2.0
_LISTEN_FOR = 1.0


class Follower:
    """Two threads that read what was changed: from the cache server at once, from the database now and then.

    `lost_since` is the moment (of time.monotonic()) since which the database is silent, or None.
    """

    def __init__(self, *, every: float) -> None:
        self.lost_since: float | None = None
        self._every = every
        self._read_until = timezone.now() - _LONGEST_ABSENCE
        self._soon = threading.Event()

    def start(self) -> None:
        """Begin to follow; the threads end with the process."""
        for name, work in (("rows", self._follow_rows), ("messages", self._follow_messages)):
            threading.Thread(target=work, name=f"delivery-{name}", daemon=True).start()

    def look_soon(self) -> None:
        """Read the rows now rather than when it is time again."""
        self._soon.set()

    def read_rows(self) -> None:
        """Take over what was committed since the last time; raises django.db.Error."""
        begun = timezone.now()
        freshness.take_over(freshness.recent_changes(self._read_until))
        self._read_until = begun - _LONGEST_TRANSACTION

    def _follow_rows(self) -> None:
        while True:
            try:
                self.read_rows()
            except Error as error:
                if self.lost_since is None:
                    self.lost_since = time.monotonic()
                    logger.warning("delivery: the database is silent: %s", str(error).strip())
            else:
                if self.lost_since is not None:
                    logger.warning("delivery: the database answers again")
                    self.lost_since = None
            finally:
                # Held open it would count against the database's limit all the time.
                connection.close()
            self._soon.wait(self._every if self.lost_since is None else _ASK_AGAIN)
            # At most so often, however many readers ask for it.
            time.sleep(min(_ASK_AGAIN, self._every) if self._soon.is_set() else 0)
            self._soon.clear()

    def _follow_messages(self) -> None:
        while True:
            try:
                self._listen()
            except (redis.RedisError, OSError):
                time.sleep(_ASK_AGAIN)
            # What was said while nobody listened is in the rows.
            self.look_soon()

    def _listen(self) -> None:
        client = redis.Redis.from_url(
            settings.CACHE_URL,
            socket_timeout=5.0,
            socket_connect_timeout=2.0,
            health_check_interval=5,
            retry=Retry(NoBackoff(), 0),
        )
        subscription = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        with client, subscription:
            subscription.subscribe(CHANNEL)
            self.look_soon()
            while True:
                message = subscription.get_message(timeout=_LISTEN_FOR)
                if message is not None:
                    _take_over(message["data"])


def _take_over(said: bytes) -> None:
    try:
        freshness.take_over([(str(name), int(number)) for name, number in json.loads(said)])
    except (ValueError, TypeError, OverflowError):
        logger.warning("delivery: a message on %s could not be read", CHANNEL)
