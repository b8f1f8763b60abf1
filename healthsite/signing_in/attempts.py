"""How often something may be tried. Windows are fixed: trying during a wait does not make it longer.

Nothing of a person is stored: the keys are keyed hashes, and they live for a minute in the Valkey that has
no disk. While it is silent each process counts for itself.
"""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, ip_address, ip_network
from unicodedata import normalize

import redis
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from sharing import valkey
from sharing.visitors import remote_address

_PREFIX = b"try:"
# The most that one process remembers while Valkey is silent.
LONGEST_MEMORY = 10_000


@dataclass(frozen=True)
class Limit:
    """So many tries in so many seconds, counted from the first."""

    name: str
    tries: int
    seconds: int


# One name from one address; from elsewhere, and from a known device, that name is still free.
NAME_FROM_ADDRESS = Limit("name", 5, 60)
# Many names from one address; an office shares one.
ADDRESS = Limit("address", 30, 60)
# A browser that has signed in with this name before, from wherever.
DEVICE = Limit("device", 10, 60)
RESET_FROM_ADDRESS = Limit("reset", 5, 60)
# Messages to one mailbox, whoever asks for them.
RESET_TO_MAILBOX = Limit("mailbox", 3, 15 * 60)
SHARED_PASSWORD = Limit("shared", 10, 60)


def take(limit: Limit, *who: str) -> int:
    """Count one try, and return how many whole seconds to wait before it may be made; 0 is now.

    Counting comes first, so that a thousand tries at once are not all the first.
    """
    key = _key(limit, who)
    try:
        number, left = valkey.volatile().ask(partial(_count, key=key, seconds=limit.seconds))
    except valkey.Silent:
        number, left = _own_memory.count(key, limit.seconds)
    return max(1, math.ceil(left)) if number > limit.tries else 0


def give_back(limit: Limit, *who: str) -> None:
    """Count one try less: it was no guess."""
    key = _key(limit, who)
    _own_memory.uncount(key)
    try:
        valkey.volatile().ask(partial(_uncount, key=key, seconds=limit.seconds))
    except valkey.Silent:
        return


def forget(limit: Limit, *who: str) -> None:
    """Forget all tries of one kind, as after the right password."""
    key = _key(limit, who)
    _own_memory.forget(key)
    try:
        valkey.volatile().ask(lambda client: client.delete(key))
    except valkey.Silent:
        return


def forget_everything_about(name: str | None) -> int:
    """End all waits for one user name, or for all with None; return how many counters went.

    Addresses are counted without a name, so their waits end too. Raises valkey.Silent.
    """
    patterns = [_PREFIX + b"*"]
    if name is not None:
        patterns = [
            _PREFIX + NAME_FROM_ADDRESS.name.encode() + b":" + _tag(folded(name)) + b":*",
            *(_PREFIX + limit.name.encode() + b":*" for limit in (ADDRESS, DEVICE)),
        ]
    server = valkey.volatile()
    return sum(server.ask(partial(_delete_all, pattern=pattern)) for pattern in patterns)


def where_from(request: HttpRequest) -> str:
    """Return the network that a request comes from: an IPv4 address, or an IPv6 /64, which one person has."""
    text = remote_address(request)
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)


def folded(name: str) -> str:
    """Return a name as it is counted: neither case nor look-alike forms buy more tries."""
    return normalize("NFKC", name).casefold().strip()


def _key(limit: Limit, who: tuple[str, ...]) -> bytes:
    return _PREFIX + b":".join([limit.name.encode(), *(_tag(part) for part in who)])


def _tag(text: str) -> bytes:
    salted = salted_hmac("healthsite.signing_in.attempts", text, algorithm="sha256")
    return salted.hexdigest()[:32].encode()


def _count(client: "redis.Redis", key: bytes, seconds: int) -> tuple[int, float]:
    with client.pipeline(transaction=True) as pipe:
        pipe.set(key, 0, nx=True, ex=seconds)
        pipe.incr(key)
        pipe.pttl(key)
        _, number, left = pipe.execute()
    return int(number), int(left) / 1000


def _uncount(client: "redis.Redis", key: bytes, seconds: int) -> None:
    with client.pipeline(transaction=True) as pipe:
        # A window that ended in the meantime must not come back as one without an end.
        pipe.set(key, 1, nx=True, ex=seconds)
        pipe.decr(key)
        pipe.execute()


def _delete_all(client: "redis.Redis", pattern: bytes) -> int:
    found: Iterator[bytes] = client.scan_iter(match=pattern, count=1000)
    return sum(int(client.delete(key)) for key in found)


class _OwnMemory:
    """Counts of this process alone, for while Valkey is silent."""

    def __init__(self) -> None:
        self._counts: dict[bytes, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def count(self, key: bytes, seconds: int) -> tuple[int, float]:
        """Return (tries with this one, seconds left of the window)."""
        now = time.monotonic()
        with self._lock:
            number, until = self._counts.get(key, (0, 0.0))
            if until <= now:
                number, until = 0, now + seconds
                self._counts.pop(key, None)
                self._make_room(now)
            self._counts[key] = number + 1, until
        return number + 1, until - now

    def uncount(self, key: bytes) -> None:
        with self._lock:
            if key in self._counts:
                number, until = self._counts[key]
                self._counts[key] = max(0, number - 1), until

    def forget(self, key: bytes) -> None:
        with self._lock:
            self._counts.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()

    def _make_room(self, now: float) -> None:
        if len(self._counts) < LONGEST_MEMORY:
            return
        self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now}
        if len(self._counts) >= LONGEST_MEMORY:
            # The first in is the first whose window ends.
            self._counts.pop(next(iter(self._counts)))


_own_memory = _OwnMemory()
