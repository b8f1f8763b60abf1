"""The one client that asks other people's servers for anything."""

import logging
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urljoin

import httpcore

from sharing.networks.addresses import Forbidden, place
from sharing.networks.http.connections import (
    CONNECT_WITHIN,
    CheckedAddresses,
    Connect,
    Resolve,
    connect,
    resolve,
)
from sharing.networks.http.exchange import Exchange, Late, NotSent, OutcomeUnknown, under_way
from sharing.networks.http.replies import BREAKS, Answered, Expect, Unusable, read

# At its lowest level httpcore logs the headers of replies, and these are nobody's business.
logging.getLogger("httpcore").setLevel(logging.WARNING)

# In seconds. A whole exchange is never longer than its deadline, whatever drips.
READ_WITHIN = 10.0
ALL_WITHIN = 15.0
# An idle connection is kept for less time than servers keep theirs, so that it is rarely found closed.
_IDLE_FOR = 4.0
_USER_AGENT = "healthsite"


class Outbound:
    """Ask servers on the public internet over https; one a process, shared by its threads.

    `trusted` names exceptions as "host:port": a demo network or a test on loopback. Connections are kept
    for some seconds. `within` ends an exchange, in seconds. There are no cookies, no proxies from the environment and no logging.
    """

    def __init__(
        self,
        *,
        trusted: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        connect: Connect = connect,
        connections: int = 64,
        within: float = ALL_WITHIN,
    ) -> None:
        self._within = within
        self._trusted = frozenset(trusted)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=_IDLE_FOR,
            network_backend=CheckedAddresses(resolve, connect),
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        expects: Expect = Expect.JSON,
        redirects: int = 0,
        within: float | None = None,
    ) -> Answered:
        """Make one request, at most once, and return its answer; raises NotSent or OutcomeUnknown.

        An answer of 200 to 299 that is not what `expects` says is an OutcomeUnknown. Redirects are
        returned like any answer; up to `redirects` of them are followed for GET, each checked like the
        first address, and without the Authorization header on another host.
        """
        until = time.monotonic() + (self._within if within is None else within)
        headers = dict(headers or {})
        origin = ""
        while True:
            try:
                where = place(url, trusted=self._trusted)
            except Forbidden as reason:
                raise NotSent(str(reason)) from None
            if origin and origin != f"{where.scheme}://{where.netloc}":
                headers = {n: v for n, v in headers.items() if n.lower() != "authorization"}
            origin = f"{where.scheme}://{where.netloc}"
            with _concluding(Exchange(where, until)) as exchange:
                answer = self._exchange(exchange, method, headers, body, expects)
            followed = method == "GET" and 300 <= answer.status < 400 and redirects > 0
            if not followed or not answer.headers.get("location"):
                return answer
            redirects -= 1
            url = urljoin(url, answer.headers["location"])

    def _exchange(
        self,
        exchange: Exchange,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
        expects: Expect,
    ) -> Answered:
        where = exchange.place
        named = {
            "Host": where.netloc,
            "User-Agent": _USER_AGENT,
            "Accept": "application/json" if expects is Expect.JSON else "*/*",
            "Accept-Encoding": "gzip",
            **headers,
        }
        if body or method in {"POST", "PUT", "PATCH"}:
            named["Content-Length"] = str(len(body))
        with self._pool.stream(
            method,
            httpcore.URL(
                scheme=where.scheme.encode(),
                host=where.host.encode(),
                port=where.port,
                target=where.target.encode(),
            ),
            headers=[(name.encode(), value.encode()) for name, value in named.items()],
            content=body or None,
            extensions={
                "timeout": {
                    "connect": CONNECT_WITHIN,
                    "read": READ_WITHIN,
                    "write": READ_WITHIN,
                    "pool": exchange.within(CONNECT_WITHIN),
                }
            },
        ) as response:
            return read(response, expects)


@contextmanager
def _concluding(exchange: Exchange) -> Iterator[Exchange]:
    """Let an exchange be under way within; what goes wrong there is NotSent or OutcomeUnknown."""
    token = under_way.set(exchange)
    try:
        yield exchange
    except (Late, Unusable, *BREAKS, OSError) as reason:
        said = f"{exchange.place.netloc} {_in_words(reason, sent=exchange.sent)}"
        raise (OutcomeUnknown if exchange.sent else NotSent)(said) from None
    finally:
        exchange.is_over = True
        under_way.reset(token)


def _in_words(reason: Exception, *, sent: bool) -> str:
    match reason:
        case Unusable():
            return str(reason)
        case Late() | httpcore.TimeoutException() | TimeoutError():
            return "did not answer in time." if sent else "could not be reached in time."
        case _:
            return "broke off." if sent else "could not be reached."
