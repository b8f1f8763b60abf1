"""What the web server calls: kept answers, and Django for everything else."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from articles.freshness import Recording, recording
from healthsite.delivery import addresses, answers, shared_copies
from healthsite.delivery.answers import Answer, Headers, Kept, StartResponse
from healthsite.delivery.following import Follower
from healthsite.delivery.keeping import may_be_kept
from healthsite.delivery.places import Places, with_places
from healthsite.delivery.shared_copies import Key
from healthsite.delivery.store import Store

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# A last good page is shown for so long; in seconds.
LONGEST_STALE = 24 * 3600.0
# How long a reader waits for another reader's copy of the same page; then each makes its own.
_LONGEST_WAIT = 5.0
# The answers to unframed bodies; the web server hands such a body over as an empty one.
_LENGTH_REQUIRED = b"Send a Content-Length.\n"
_SERVER_ERROR = 500
# Between two log lines that say the same.
_LOG_EVERY = 10.0

# How the micro-cache of nginx in front may keep it (deploy/nginx.conf.template), in seconds.
_IN_FRONT = ("X-Accel-Expires", "1")
# Browsers keep a page, and ask each time whether it still holds.
_REVALIDATE = ("Cache-Control", "no-cache")
# RFC 9211: out of date, because nothing newer could be made.
_LAST_GOOD = ("Cache-Status", 'healthsite; fwd=stale; detail="last good page"')
_UNCONFIRMED = ("Cache-Status", 'healthsite; hit; detail="database silent"')


class Delivery:
    """A WSGI application in front of Django's. Threads share it; each process has its own."""

    def __init__(self, application: Application, *, follower: Follower | None = None) -> None:
        self._places = Places(settings.DELIVERY_PLACES, patience=settings.DELIVERY_PATIENCE)
        self._application = with_places(application, self._places)
        self._store = Store(settings.DELIVERY_MEMORY)
        self._get = self._store.get
        self._follower = follower
        self._hosts = frozenset({urlsplit(settings.SITE_URL).netloc})
        self._for_proxy = [_IN_FRONT] if settings.TRUST_PROXY_HEADERS else []
        self._scheme_header = "HTTP_X_FORWARDED_PROTO" if settings.TRUST_PROXY_HEADERS else None
        self._scheme = urlsplit(settings.SITE_URL).scheme
        self._being_made: dict[Key, threading.Event] = {}
        self._lock = threading.Lock()
        self._logged_at = 0.0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if "HTTP_TRANSFER_ENCODING" in environ:
            return _refuse_unframed(start_response)
        if not self._is_plain_read(environ):
            return self._application(environ, start_response)
        query: str = environ["QUERY_STRING"]
        if query:
            query = addresses.without_tracking(query)
        # Django changes the path in place.
        key: Key = (environ["HTTP_HOST"], environ["PATH_INFO"], query)
        kept = self._get(key)
        if kept is not None and kept.holds():
            kept.was_used = True
            if self._follower is not None and self._follower.lost_since is not None:
                return self._unconfirmed(kept.answer, environ, start_response)
            return kept.answer.send(environ, start_response)
        return self._make(key, kept, environ, start_response)

    def _is_plain_read(self, environ: Environ) -> bool:
        """Return whether this is a request that everybody makes alike, for the site's own address."""
        method = environ["REQUEST_METHOD"]
        return (
            (method == "GET" or method == "HEAD")
            and "HTTP_COOKIE" not in environ
            and "HTTP_AUTHORIZATION" not in environ
            and environ.get("HTTP_HOST") in self._hosts
            and (
                environ[self._scheme_header] == self._scheme
                if self._scheme_header in environ
                else environ["wsgi.url_scheme"] == self._scheme
            )
        )

    # --- What is not kept yet --------------------------------------------------------------------

    def _make(
        self, key: Key, old: Kept | None, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Take the copy of another process, or ask Django; of many readers at once, only one does."""
        if (
            environ["REQUEST_METHOD"] == "HEAD"
            or environ.get("CONTENT_LENGTH") not in {None, "", "0"}
            or not addresses.may_be_kept(key[1])
        ):
            return self._application(environ, start_response)
        with self._turn(key) as is_first:
            if not is_first:
                made = self._get(key)
                if made is not None and made.holds():
                    return made.answer.send(environ, start_response)
            copy = shared_copies.get(key)
            if copy is not None:
                made, holds = copy
                if holds:
                    self._store.put(key, made)
                    return made.answer.send(environ, start_response)
                old = old or made
            return self._ask_django(key, old, environ, start_response)

    @contextmanager
    def _turn(self, key: Key) -> Iterator[bool]:
        """Let one reader of an address through and the others wait for it; yield whether it is the one."""
        with self._lock:
            event = self._being_made.get(key)
            is_first = event is None
            if event is None:
                event = self._being_made[key] = threading.Event()
        if not is_first:
            if not self._places.are_stuck():
                event.wait(_LONGEST_WAIT)
            yield False
            return
        try:
            yield True
        finally:
            with self._lock:
                del self._being_made[key]
            event.set()

    def _ask_django(
        self, key: Key, old: Kept | None, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        said: list[Any] = []

        def listen(status: str, headers: Headers, exc_info: Any = None) -> None:
            said[:] = [status, headers]

        environ["QUERY_STRING"] = key[2]
        with recording() as made:
            response = self._application(environ, listen)
        status, headers = said
        if int(status[:3]) >= _SERVER_ERROR:
            if self._follower is not None:
                self._follower.look_soon()
            if old is not None and self._may_still_show(old):
                _close(response)
                self._log(f"{key[1]} could not be made ({status}); its last good page is shown")
                return old.answer.send(environ, start_response, [_LAST_GOOD])
        elif status == answers.OK and may_be_kept(made, headers, key[2]):
            body = b"".join(response)
            _close(response)
            return self._keep(key, made, body, headers).send(environ, start_response)
        elif old is not None:
            self._store.drop(key)
            shared_copies.drop(key)
        start_response(status, headers)
        return response

    def _keep(self, key: Key, made: Recording, body: bytes, headers: Headers) -> Answer:
        """Return the answer in all encodings; it is kept unless it changed while it was made."""
        if not any(name.lower() == "cache-control" for name, _ in headers):
            headers = [*headers, _REVALIDATE]
        answer = answers.answer_of(body, [*headers, *self._for_proxy])
        stamp = made.stamp()
        if stamp is not None:
            until = None if made.seconds is None else time.monotonic() + made.seconds
            kept = Kept(answer, stamp, until)
            self._store.put(key, kept)
            shared_copies.put(key, kept)
        return answer

    # --- While the database is silent ------------------------------------------------------------

    def _may_still_show(self, old: Kept) -> bool:
        """Return whether a page that is out of date may be shown for want of a newer one."""
        now = time.monotonic()
        if old.superseded_at is None:
            old.superseded_at = now
        return now - old.superseded_at < LONGEST_STALE and old.stamp.may_be_shown()

    def _unconfirmed(
        self, answer: Answer, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Show a page of which nobody can tell whether another host changed it."""
        lost_since = self._follower.lost_since if self._follower is not None else None
        if lost_since is not None and time.monotonic() - lost_since > LONGEST_STALE:
            return self._application(environ, start_response)
        self._log("pages are shown as they were when the database fell silent")
        return answer.send(environ, start_response, [_UNCONFIRMED])

    def _log(self, sentence: str) -> None:
        now = time.monotonic()
        if now - self._logged_at >= _LOG_EVERY:
            self._logged_at = now
            logger.warning("delivery: %s", sentence)


def _refuse_unframed(start_response: StartResponse) -> list[bytes]:
    start_response(
        "411 Length Required",
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(_LENGTH_REQUIRED))),
        ],
    )
    return [_LENGTH_REQUIRED]


def _close(response: Any) -> None:
    if hasattr(response, "close"):
        response.close()
