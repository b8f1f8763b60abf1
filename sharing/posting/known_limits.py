"""What servers take from accounts, for pages that people wait for: kept an hour, asked for a moment at most."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache, lru_cache

from django.conf import settings

from sharing.networks.http import Outbound
from sharing.networks.posting import NoConnector, connector
from sharing.networks.posting.conclusions import Stopped
from sharing.networks.posting.contract import Connector, Limits
from sharing.posting import vault
from sharing.posting.accounts import AccountRow, as_the_network_knows_it
from sharing.posting.models import SocialAccount

# In seconds: how long a figure is good, how long a silent server is left alone, how long a page waits for all.
_KEPT = 3600.0
_LEFT_ALONE = 60.0
_PATIENCE = 1.0

_Server = tuple[str, str]  # a network's slug and a host


@dataclass(frozen=True, slots=True)
class KnownLimits:
    """A server's limits. `age` is in seconds since it told them; None: the network's usual figures."""

    limits: Limits
    age: float | None = None


class Memory:
    """What servers said and when, and when they were silent, by network and host. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[_Server, tuple[float, Limits]] = {}
        self._silent: dict[_Server, float] = {}

    def note(self, server: _Server, limits: Limits | None) -> None:
        """Keep what a server said, or that it said nothing; what it said before outlives a silence."""
        with self._lock:
            if limits is None:
                self._silent[server] = self._clock()
            else:
                self._said[server] = (self._clock(), limits)

    def is_fresh(self, server: _Server) -> bool:
        """Tell whether a server need not be asked: it said so lately, or was silent just now."""
        with self._lock:
            at, silent = self._said.get(server, (None, None))[0], self._silent.get(server)
        now = self._clock()
        return (at is not None and now - at < _KEPT) or (
            silent is not None and now - silent < _LEFT_ALONE
        )

    def limits(self, server: _Server) -> KnownLimits | None:
        """Return what a server said last, however long ago; None where it never said anything."""
        with self._lock:
            said = self._said.get(server)
        return KnownLimits(said[1], self._clock() - said[0]) if said else None

    def forget(self) -> None:
        """Know nothing again."""
        with self._lock:
            self._said.clear()
            self._silent.clear()


memory = Memory()


def connector_of(network: str) -> Connector | None:
    """Return what publishes on a network, to check posts with; None where nothing does."""
    try:
        return connector(network, _outbound(tuple(settings.POSTING_TRUSTED_HOSTS)))
    except NoConnector:
        return None


def limits_of(
    accounts: Iterable[SocialAccount], *, ask: bool, patience: float = _PATIENCE
) -> Mapping[int, KnownLimits]:
    """Return the limits of accounts by id; those that nothing publishes for are left out.

    Servers that are not known are asked side by side, for `patience` seconds in all; one that is slower gets the
    network's usual figures this time.
    """
    known = [(each, found) for each in accounts if (found := connector_of(each.network))]
    if ask:
        _ask(known, patience)
    return {
        account.pk: memory.limits((account.network, account.host))
        or KnownLimits(found.usual_limits())
        for account, found in known
    }


def _ask(accounts: Iterable[tuple[SocialAccount, Connector]], patience: float) -> None:
    asked = {}
    for account, found in accounts:
        server = (account.network, account.host)
        if server in asked or memory.is_fresh(server):
            continue
        try:
            known = as_the_network_knows_it(AccountRow.of(account))
        except vault.Sealed:
            continue

        def ask(server: _Server = server, found: Connector = found, known=known) -> None:  # type: ignore[no-untyped-def]
            try:
                memory.note(server, found.limits(known))
            except Stopped:
                memory.note(server, None)

        asked[server] = _threads().submit(ask)
    if not asked:
        return
    _, silent = wait(asked.values(), timeout=patience)
    for server, answer in asked.items():
        if answer in silent:
            # Whatever it says later is kept; until then nobody waits for it again.
            memory.note(server, None)


def close() -> None:
    """Wait for what is under way, close every connection, and know nothing again."""
    _threads().shutdown()
    _threads.cache_clear()
    _outbound(tuple(settings.POSTING_TRUSTED_HOSTS)).close()
    _outbound.cache_clear()
    memory.forget()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8, thread_name_prefix="limits")


@lru_cache(1)
def _outbound(trusted: tuple[str, ...]) -> Outbound:
    return Outbound(trusted=trusted, within=_PATIENCE)
