"""Sending addresses to a cache. What a cache does not take is raised, so that the chore is tried again."""

import http.client
import json
import logging
import time
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from wagtail.contrib.frontend_cache.backends.base import BaseBackend

logger = logging.getLogger(__name__)

# A cache may take so long for one answer, and for all of them; in seconds. A chore's lease is longer.
_ANSWER_WITHIN = 3.0
_ALL_WITHIN = 30.0
_LONGEST_ANSWER = 64 * 1024
# So many addresses Cloudflare takes at once.
# https://developers.cloudflare.com/api/resources/cache/methods/purge/
_CLOUDFLARE_AT_ONCE = 30


class NotPurged(Exception):
    """A cache was not told; the sentence says which, and why."""


class PurgeRequests(BaseBackend):
    """A cache that forgets an address for which it gets a PURGE request, such as a Varnish.

    Wagtail's own backend waits without limit for an answer, opens a connection an address, and only logs
    what failed.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._location = params["LOCATION"]

    def purge(self, url: str) -> None:
        """Have one address forgotten; raises NotPurged."""
        self.purge_batch([url])

    def purge_batch(self, urls: Iterable[str]) -> None:
        """Have addresses forgotten, over one connection; raises NotPurged at the first that is refused."""
        until = time.monotonic() + _ALL_WITHIN
        connection = _connection(self._location)
        try:
            for url in urls:
                parts = urlsplit(url)
                path = parts.path + (f"?{parts.query}" if parts.query else "")
                headers = {"Host": parts.netloc, "User-Agent": "healthsite"}
                status, _ = _ask(connection, "PURGE", path or "/", headers)
                # What is not kept there need not be forgotten.
                if not status < HTTPStatus.MULTIPLE_CHOICES and status != HTTPStatus.NOT_FOUND:
                    raise NotPurged(f"{self._location} answered {status} to PURGE {url}.")
                if time.monotonic() > until:
                    raise NotPurged(f"{self._location} was too slow.")
        except (OSError, http.client.HTTPException) as error:
            raise NotPurged(f"{self._location}: {error!r}.") from error
        finally:
            connection.close()


class Cloudflare(BaseBackend):
    """A zone of Cloudflare's, by a token that may purge it and nothing else.

    Wagtail's own backend only logs a refusal.
    """

    location = "https://api.cloudflare.com"

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._path = f"/client/v4/zones/{quote(params['ZONEID'], safe='')}/purge_cache"
        self._headers = {
            "Authorization": f"Bearer {params['BEARER_TOKEN']}",
            "Content-Type": "application/json",
            "User-Agent": "healthsite",
        }

    def purge(self, url: str) -> None:
        """Have one address forgotten; raises NotPurged."""
        self.purge_batch([url])

    def purge_batch(self, urls: Sequence[str]) -> None:
        """Have addresses forgotten, thirty at a time; raises NotPurged."""
        connection = _connection(self.location)
        try:
            for begin in range(0, len(urls), _CLOUDFLARE_AT_ONCE):
                body = json.dumps({"files": urls[begin : begin + _CLOUDFLARE_AT_ONCE]})
                status, answer = _ask(connection, "POST", self._path, self._headers, body)
                if status != HTTPStatus.OK or not _is_success(answer):
                    said = answer[:300].decode(errors="replace")
                    raise NotPurged(f"Cloudflare answered {status}: {said}")
        except (OSError, http.client.HTTPException) as error:
            raise NotPurged(f"Cloudflare: {error!r}.") from error
        finally:
            connection.close()


def _connection(location: str) -> http.client.HTTPConnection:
    parts = urlsplit(location)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.netloc, timeout=_ANSWER_WITHIN)


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: str | None = None,
) -> tuple[int, bytes]:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.read(_LONGEST_ANSWER)
    if not response.isclosed():
        # Whatever follows would be taken for the next answer; a new connection is opened for that.
        connection.close()
    return response.status, answer


def _is_success(answer: bytes) -> bool:
    try:
        told = json.loads(answer)
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("success") is True
