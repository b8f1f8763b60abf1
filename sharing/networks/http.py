"""The one client that asks other people's servers for anything.

It is made of httpcore, the layer under httpx, because three things are decided there: which address a
connection goes to, whether a byte of a request was written, and how far a reply may be unpacked.
https://www.encode.io/httpcore/network-backends/ (checked November 2026).
"""

import json
import logging
import re
import select
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin

import httpcore

from sharing.networks.addresses import Forbidden, Place, is_public, place

# At its lowest level httpcore logs the headers of replies, and these are nobody's business.
logging.getLogger("httpcore").setLevel(logging.WARNING)

LONGEST_BODY = 2 * 1024 * 1024
DEEPEST_JSON = 64
# In seconds. A whole exchange is never longer than its deadline, whatever drips.
CONNECT_WITHIN = 5.0
READ_WITHIN = 10.0
ALL_WITHIN = 15.0
# An idle connection is kept for less time than servers keep theirs, so that it is rarely found closed.
_IDLE_FOR = 4.0
_USER_AGENT = "healthsite"
# A whole string, or one bracket. The closing quote is optional: an open string is read once, not from
# each of its quotes again.
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_UNREADABLE_STATUS = HTTPStatus.BAD_REQUEST

_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)


class Expect(Enum):
    """What makes a reply usable: JSON, text of any kind, or its status alone."""

    JSON = auto()
    TEXT = auto()
    NOTHING = auto()


class NotSent(Exception):
    """Nothing of the request left this machine: it may be made again. Says why in a sentence."""


class OutcomeUnknown(Exception):
    """The request was sent, in part at least, and no usable reply came. Whether it took effect is open."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply that came whole, or whose refusing status (400 and above) came.

    `headers` have lowercase names, repeated ones joined. `json` is None where none came. No repr shows
    headers or body: they may hold tokens.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    json: Any = field(default=None, repr=False)


class _Late(Exception):
    """The deadline is over."""


class _Unusable(Exception):
    """What came is no reply to what was asked."""


@dataclass(slots=True)
class _Exchange:
    """One request under way: when it must be over, whether any of it was written, and whether its reply came."""

    place: Place
    until: float
    sent: bool = False
    is_over: bool = False

    def within(self, timeout: float | None) -> float:
        """Return how long the next step may take, in seconds."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise _Late
        return left if timeout is None else min(timeout, left)


_under_way: ContextVar[_Exchange] = ContextVar("exchange under way")

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[str, int, float], socket.socket]


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the IP addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(address: str, port: int, timeout: float) -> socket.socket:
    """Connect to one IP address."""
    return socket.create_connection((address, port), timeout)


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
            network_backend=_CheckedAddresses(resolve, connect),
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
            answer = self._once(_Exchange(where, until), method, headers, body, expects)
            followed = method == "GET" and 300 <= answer.status < 400 and redirects > 0
            if not followed or not answer.headers.get("location"):
                return answer
            redirects -= 1
            url = urljoin(url, answer.headers["location"])

    def _once(
        self,
        exchange: _Exchange,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
        expects: Expect,
    ) -> Answered:
        where = exchange.place
        token = _under_way.set(exchange)
        try:
            return self._exchange(exchange, method, headers, body, expects)
        except NotSent:
            raise
        except (
            _Late,
            _Unusable,
            httpcore.TimeoutException,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            OSError,
        ) as reason:
            said = f"{where.netloc} {_in_words(reason, sent=exchange.sent)}"
            if exchange.sent:
                raise OutcomeUnknown(said) from None
            raise NotSent(said) from None
        finally:
            exchange.is_over = True
            _under_way.reset(token)

    def _exchange(
        self,
        exchange: _Exchange,
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
            return _read(response, expects)


class _CheckedAddresses(httpcore.NetworkBackend):
    """Connect to the very address that was checked: a name is resolved once a connection."""

    def __init__(self, resolve: Resolve, connect: Connect) -> None:
        self._resolve = resolve
        self._connect = connect

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, refuse what is not public, then try the addresses in turn."""
        exchange = _under_way.get()
        addresses = self._addresses(host, port, exchange)
        if not exchange.place.trusted and not all(map(is_public, addresses)):
            # All of them: a public name that points inside as well is a trick more often than a mistake.
            raise NotSent(f"{host} leads to an address that is not on the public internet.")
        for address in addresses:
            try:
                opened = self._connect(address, port, exchange.within(timeout))
            except OSError:
                continue
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Stream(opened)
        raise NotSent(f"{host} cannot be reached.")

    def _addresses(self, host: str, port: int, exchange: _Exchange) -> Sequence[str]:
        found: list[str] = []

        def ask() -> None:
            try:
                found.extend(self._resolve(host, port))
            except (OSError, UnicodeError):
                found.clear()

        # The system's resolver has no time-out of its own; the thread is left behind with it.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(exchange.within(CONNECT_WITHIN))
        if not found:
            raise NotSent(f"The name {host} is not known, or could not be looked up.")
        return tuple(found)


class _Stream(httpcore.NetworkStream):
    """A socket whose every step ends with the exchange, and that notes the first byte written."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        # The exchange that wrote to it last.
        self._carries: _Exchange | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there; raises httpcore's errors."""
        self._socket.settimeout(_under_way.get().within(timeout))
        try:
            return self._socket.recv(max_bytes)
        except TimeoutError:
            raise httpcore.ReadTimeout from None
        except OSError:
            raise httpcore.ReadError from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it; raises httpcore's errors."""
        exchange = self._carries = _under_way.get()
        left = memoryview(buffer)
        while left:
            self._socket.settimeout(exchange.within(timeout))
            # Before and not after: of a failed call nobody knows what it sent.
            exchange.sent = True
            try:
                left = left[self._socket.send(left) :]
            except TimeoutError:
                raise httpcore.WriteTimeout from None
            except OSError:
                raise httpcore.WriteError from None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Speak TLS from here on; the certificate must be the name's, not the address's."""
        self._socket.settimeout(_under_way.get().within(timeout))
        try:
            return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
        except ssl.SSLCertVerificationError:
            self.close()
            raise NotSent(f"{server_hostname} has no certificate that can be trusted.") from None
        except OSError:
            self.close()
            raise httpcore.ConnectError from None

    def get_extra_info(self, info: str) -> Any:
        """Tell httpcore whether an idle connection has become readable, so that it was closed.

        Another thread may ask that of a connection that was idle when it looked, and on which this one waits for a
        reply by now: then what can be read is the reply. The socket and its deadline are left as they are.
        """
        if info != "is_readable":
            return None
        carries = self._carries
        if carries is not None and not carries.is_over:
            return False
        number = self._socket.fileno()
        if number < 0:
            return True
        poll = select.poll()
        poll.register(number, select.POLLIN)
        return bool(poll.poll(0)) and self._carries is carries


def _read(response: httpcore.Response, expects: Expect) -> Answered:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    frozen = MappingProxyType(headers)
    try:
        body = _body(response, headers.get("content-encoding", "").strip().lower())
        kind = headers.get("content-type", "")
        found = parse_json(body) if body and _JSON_TYPE.match(kind) else None
        if response.status < _UNREADABLE_STATUS:
            _check(expects, response.status, kind, found)
    except (
        _Late,
        _Unusable,
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
    ):
        # Of a refusal the status says enough. Of a success it does not: a proxy's page is one, too.
        if response.status < _UNREADABLE_STATUS:
            raise
        return Answered(response.status, frozen)
    return Answered(response.status, frozen, body, found)


def _check(expects: Expect, status: int, kind: str, found: object) -> None:
    if not 200 <= status < 300:
        return
    if expects is Expect.JSON and found is None:
        raise _Unusable("answered with something that is not JSON.")
    if expects is Expect.TEXT and not kind.lower().startswith(("text/", "application/")):
        raise _Unusable("answered with something that is not text.")


def _body(response: httpcore.Response, encoding: str) -> bytes:
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise _Unusable("answered in an encoding that was not asked for.")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding else None
    body = bytearray()
    raw = 0
    for part in response.iter_stream():
        raw += len(part)
        room = LONGEST_BODY + 1 - len(body)
        try:
            body += unpack.decompress(part, room) if unpack else part
        except zlib.error:
            raise _Unusable("answered with gzip that cannot be unpacked.") from None
        if max(raw, len(body)) > LONGEST_BODY:
            raise _Unusable("answered with more than 2 MB.")
    if unpack and not unpack.eof:
        raise _Unusable("answered with gzip that has no end.")
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """Read JSON of a bounded depth, without the numbers that JSON has not; raises for all else."""
    depth = 0
    for found in _BRACKETS.finditer(body):
        first = found[0][:1]
        depth += (first in b"[{") - (first in b"]}")
        if depth > DEEPEST_JSON:
            raise _Unusable("answered with JSON that is nested too deeply.")
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Unusable("answered with JSON that cannot be read.") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _in_words(reason: Exception, *, sent: bool) -> str:
    match reason:
        case _Unusable():
            return str(reason)
        case _Late() | httpcore.TimeoutException() | TimeoutError():
            return "did not answer in time." if sent else "could not be reached in time."
        case _:
            return "broke off." if sent else "could not be reached."
