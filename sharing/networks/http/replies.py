"""What comes back: read whole, within bounds, and only what was asked for."""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import httpcore

from sharing.networks.http.exchange import Late

LONGEST_BODY = 2 * 1024 * 1024
DEEPEST_JSON = 64
# A whole string, or one bracket. The closing quote is optional: an open string is read once, not from
# each of its quotes again.
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
# How a connection gives up.
BREAKS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
_UNREADABLE_STATUS = HTTPStatus.BAD_REQUEST
_JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)


class Expect(Enum):
    """What makes a reply usable: JSON, text of any kind, or its status alone."""

    JSON = auto()
    TEXT = auto()
    NOTHING = auto()


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


class Unusable(Exception):
    """What came is no reply to what was asked."""


def read(response: httpcore.Response, expects: Expect) -> Answered:
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
    except (Late, Unusable, *BREAKS):
        # Of a refusal the status says enough. Of a success it does not: a proxy's page is one, too.
        if response.status < _UNREADABLE_STATUS:
            raise
        return Answered(response.status, frozen)
    return Answered(response.status, frozen, body, found)


def _check(expects: Expect, status: int, kind: str, found: object) -> None:
    if not 200 <= status < 300:
        return
    if expects is Expect.JSON and found is None:
        raise Unusable("answered with something that is not JSON.")
    if expects is Expect.TEXT and not kind.lower().startswith(("text/", "application/")):
        raise Unusable("answered with something that is not text.")


def _body(response: httpcore.Response, encoding: str) -> bytes:
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise Unusable("answered in an encoding that was not asked for.")
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in encoding else None
    body = bytearray()
    raw = 0
    for part in response.iter_stream():
        raw += len(part)
        room = LONGEST_BODY + 1 - len(body)
        try:
            body += unpack.decompress(part, room) if unpack else part
        except zlib.error:
            raise Unusable("answered with gzip that cannot be unpacked.") from None
        if max(raw, len(body)) > LONGEST_BODY:
            raise Unusable("answered with more than 2 MB.")
    if unpack and not unpack.eof:
        raise Unusable("answered with gzip that has no end.")
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """Read JSON of a bounded depth, without the numbers that JSON has not; raises for all else."""
    depth = 0
    for found in _BRACKETS.finditer(body):
        first = found[0][:1]
        depth += (first in b"[{") - (first in b"]}")
        if depth > DEEPEST_JSON:
            raise Unusable("answered with JSON that is nested too deeply.")
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Unusable("answered with JSON that cannot be read.") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)
