"""How the demo network misbehaves, on request."""

import gzip
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sharing.networks.demo.exchange import Reply, as_json


class Kind(StrEnum):
    """What goes wrong. Those that come *before* are answered without doing anything."""

    # Before anything is done.
    SWALLOW_REQUEST = "swallow-request"
    ERROR_BEFORE = "500-before"
    RATE_LIMIT = "rate-limit"
    REDIRECT = "redirect"
    # After it was done.
    SWALLOW_REPLY = "swallow-reply"
    ERROR_AFTER = "500-after"
    HANG = "hang"
    DRIP = "drip"
    ENDLESS = "endless"
    HTML = "html"
    BAD_JSON = "bad-json"
    DEEP_JSON = "deep-json"
    NO_ID = "no-id"
    GZIP_BOMB = "gzip-bomb"


BEFORE = frozenset({Kind.SWALLOW_REQUEST, Kind.ERROR_BEFORE, Kind.RATE_LIMIT, Kind.REDIRECT})


class Wire(StrEnum):
    """How a reply is put on the wire."""

    WHOLE = "whole"
    CUT = "cut"  # the connection is closed without a word
    HANG = "hang"
    DRIP = "drip"
    ENDLESS = "endless"


@dataclass(slots=True)
class Fault:
    """Do this at some of the next requests.

    `on` is "post", "find", "upload", "session", "token", "instance", "read", "change" or "any". It happens
    `times` times, each time with this `chance`. `shape` says how a rate limit tells when it is over: see `reset_header`.
    """

    kind: Kind
    on: str = "post"
    times: int = 1
    chance: float = 1.0
    shape: str = "seconds"
    to: str = "http://127.0.0.1:1/"


@dataclass(slots=True)
class Faults:
    """The faults that are still to happen."""

    due: list[Fault] = field(default_factory=list)
    seed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    _dice: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._dice.seed(self.seed)

    def take(self, label: str) -> Fault | None:
        """Return what happens to this request."""
        with self.lock:
            for fault in self.due:
                if fault.on in {label, "any"} and self._dice.random() < fault.chance:
                    fault.times -= 1
                    if fault.times <= 0:
                        self.due.remove(fault)
                    return fault
        return None


def instead(fault: Fault) -> tuple[Reply, Wire]:
    """Answer without having done anything."""
    match fault.kind:
        case Kind.SWALLOW_REQUEST:
            return Reply(), Wire.CUT
        case Kind.RATE_LIMIT:
            named = reset_header(fault.shape)
            return as_json(
                {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}
                | ({"parameters": {"retry_after": 60}} if fault.shape == "body" else {}),
                status=429,
                headers=named,
            ), Wire.WHOLE
        case Kind.REDIRECT:
            return Reply(302, b"", {"Location": fault.to}), Wire.WHOLE
        case _:
            return as_json({"error": "Internal Server Error"}, status=500), Wire.WHOLE


def spoil(fault: Fault, reply: Reply) -> tuple[Reply, Wire]:
    """Answer badly what was done well."""
    json_type = {"Content-Type": "application/json"}
    page = b"<!doctype html><title>Just a moment</title><p>One moment, please."
    spoilt: dict[Kind, tuple[Reply, Wire]] = {
        Kind.SWALLOW_REPLY: (reply, Wire.CUT),
        Kind.HANG: (reply, Wire.HANG),
        Kind.DRIP: (reply, Wire.DRIP),
        Kind.ENDLESS: (reply, Wire.ENDLESS),
        Kind.ERROR_AFTER: (as_json({"error": "Internal Server Error"}, status=500), Wire.WHOLE),
        Kind.HTML: (Reply(200, page, {"Content-Type": "text/html"}), Wire.WHOLE),
        Kind.BAD_JSON: (Reply(200, b'{"id": "1', json_type), Wire.WHOLE),
        Kind.DEEP_JSON: (Reply(200, b"[" * 100_000 + b"]" * 100_000, json_type), Wire.WHOLE),
        Kind.NO_ID: (as_json({"ok": True}), Wire.WHOLE),
        Kind.GZIP_BOMB: (
            Reply(200, _bomb(), json_type | {"Content-Encoding": "gzip"}),
            Wire.WHOLE,
        ),
    }
    return spoilt[fault.kind]


def reset_header(shape: str) -> dict[str, str]:
    """Say in one of the ways that servers have when a limit is over: a minute from now, mostly."""
    over = datetime.now(UTC) + timedelta(seconds=60)
    shapes: dict[str, dict[str, str]] = {
        "seconds": {"Retry-After": "60"},
        "http-date": {"Retry-After": format_datetime(over, usegmt=True)},
        "epoch": {"RateLimit-Limit": "3000", "RateLimit-Remaining": "0",
                  "RateLimit-Reset": str(int(over.timestamp()))},
        "milliseconds": {"X-RateLimit-Reset": str(int(over.timestamp() * 1000))},
        "iso": {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": over.isoformat().replace("+00:00", "Z")},
        "body": {},  # Telegram's way: see `instead`
        "absent": {},
        "zero": {"Retry-After": "0"},
        "negative": {"Retry-After": "-1"},
        "absurd": {"Retry-After": "1000000000"},
        "words": {"Retry-After": "soon"},
    }  # fmt: skip
    return shapes[shape]


@cache
def _bomb() -> bytes:
    """Make 64 MB of one JSON string, a few kilobytes packed."""
    return gzip.compress(b'"' + b"0" * (64 * 1024 * 1024) + b'"', compresslevel=9)


def from_dict(found: dict[str, Any]) -> Fault:
    """Read what the control address was given; raises ValueError or TypeError."""
    return Fault(**(found | {"kind": Kind(found.get("kind", ""))}))


def wait(seconds: float, stopping: threading.Event) -> bool:
    """Wait, and say whether the server is still meant to run."""
    end = time.monotonic() + seconds
    while not stopping.is_set() and time.monotonic() < end:
        stopping.wait(min(0.2, seconds))
    return not stopping.is_set()
