"""One kept answer: its bytes in each encoding, and the headers that go with them."""

import gzip
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import brotli

from articles.freshness import Stamp, slots
from healthsite.delivery.encodings import CHOSEN

Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]

# 31 kB of HTML take 12 ms at quality 10, and 1 ms at 5 for 12 % more bytes; 11 takes 29 ms for 1 % less. What is
# long, such as a sitemap's file, repeats itself, and would wait for nothing.
_BROTLI_QUALITY, _BROTLI_QUALITY_OF_LONG = 10, 5
_LONG = 50_000
_GZIP_LEVEL = 6
# Below this an encoding's own frame costs more than it saves.
_SMALLEST_COMPRESSED = 200
# What a 304 repeats (RFC 9110, 15.4.5).
_REPEATED = {"cache-control", "content-location", "expires", "vary"}
# Said anew for each encoding.
_REPLACED = {"content-encoding", "content-length", "etag", "vary"}
# What Python and the headers take besides the bodies, about.
_OVERHEAD = 6_000

OK = "200 OK"
NOT_MODIFIED = "304 Not Modified"


@dataclass(frozen=True, slots=True)
class Variant:
    """An answer in one encoding."""

    etag: str
    headers: Headers
    not_modified: Headers
    body: list[bytes]


@dataclass(frozen=True, slots=True)
class Answer:
    """The body and headers of a page, in each encoding."""

    headers: Headers
    br: bytes
    gzip: bytes
    length: int
    variants: Mapping[str, Variant]

    @property
    def size(self) -> int:
        """Return about how many bytes of memory it takes."""
        return len(self.br) + len(self.gzip) + _OVERHEAD

    def send(
        self,
        environ: Mapping[str, Any],
        start_response: StartResponse,
        more_headers: Iterable[tuple[str, str]] = (),
    ) -> list[bytes]:
        """Answer a GET or HEAD with a page, or with 304 where the reader has it."""
        variant = self.variants[CHOSEN[environ.get("HTTP_ACCEPT_ENCODING", "")]]
        if "HTTP_IF_NONE_MATCH" in environ and _matches(
            environ["HTTP_IF_NONE_MATCH"], variant.etag
        ):
            start_response(NOT_MODIFIED, [*variant.not_modified, *more_headers])
            return []
        if more_headers:
            start_response(OK, [*variant.headers, *more_headers])
        else:
            start_response(OK, variant.headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        if variant.body:
            return variant.body
        # Nearly nobody asks for it, so it is not kept.
        return [gzip.decompress(self.gzip)]


@dataclass(slots=True)
class Kept:
    """An answer, and for how long it is what Django would say.

    `until` is a moment of time.monotonic(), or None where only changes make it out of date.
    """

    answer: Answer
    stamp: Stamp
    until: float | None
    was_used: bool = False
    # When it was found to be out of date, of time.monotonic().
    superseded_at: float | None = None

    def holds(self) -> bool:
        """Return whether it is what Django would say now."""
        return (self.until is None or time.monotonic() < self.until) and self.stamp.holds()

    def packed(self) -> bytes:
        """Return it as bytes, for `unpacked`."""
        answer = self.answer
        head = {
            "names": sorted(self.stamp.names),
            "numbers": self.stamp.numbers(),
            # Another process has another monotonic clock.
            "until": None if self.until is None else time.time() + self.until - time.monotonic(),
            "headers": answer.headers,
            "length": answer.length,
            "br": len(answer.br),
        }
        return json.dumps(head).encode() + b"\n" + answer.br + answer.gzip


def answer_of(body: bytes, headers: Headers) -> Answer:
    """Return the answer with this body and these headers of Django's, in all encodings."""
    return _answer(
        headers=[(name, value) for name, value in headers if name.lower() not in _REPLACED],
        br=brotli.compress(
            body, quality=_BROTLI_QUALITY if len(body) < _LONG else _BROTLI_QUALITY_OF_LONG
        ),
        zipped=gzip.compress(body, _GZIP_LEVEL, mtime=0),
        length=len(body),
    )


def unpacked(packed: bytes) -> tuple[Kept, bool]:
    """Return an answer and whether it holds; raises ValueError, KeyError or TypeError for other bytes."""
    line, _, bodies = packed.partition(b"\n")
    head = json.loads(line)
    stamp, holds = slots().restore(head["names"], head["numbers"])
    left = None if head["until"] is None else head["until"] - time.time()
    answer = _answer(
        headers=[(name, value) for name, value in head["headers"]],
        br=bodies[: head["br"]],
        zipped=bodies[head["br"] :],
        length=head["length"],
    )
    kept = Kept(answer, stamp, None if left is None else time.monotonic() + left)
    return kept, holds and (left is None or left > 0)


def _answer(*, headers: Headers, br: bytes, zipped: bytes, length: int) -> Answer:
    digest = hashlib.blake2b(zipped, digest_size=12).hexdigest()
    repeated = [pair for pair in headers if pair[0].lower() in _REPEATED]

    def variant(encoding: str, size: int, body: list[bytes]) -> Variant:
        # A strong ETag tells encodings apart, for they are other bytes.
        etag = f'"{digest}-{encoding}"'
        own = [("ETag", etag), ("Vary", "Accept-Encoding")]
        coding = [] if encoding == "identity" else [("Content-Encoding", encoding)]
        full = [*headers, *own, *coding, ("Content-Length", str(size))]
        return Variant(etag, full, [*repeated, *own], body)

    plain = variant("identity", length, [])
    variants = {"identity": plain, "gzip": plain, "br": plain}
    if length > _SMALLEST_COMPRESSED:
        variants["gzip"] = variant("gzip", len(zipped), [zipped])
        variants["br"] = variant("br", len(br), [br])
    return Answer(headers, br, zipped, length, variants)


def _matches(header: str, etag: str) -> bool:
    """Return whether If-None-Match names this ETag (weak comparison, RFC 9110, 13.1.2)."""
    if header == etag:
        return True
    return header.strip() == "*" or any(
        part.strip().removeprefix("W/") == etag for part in header.split(",")
    )
