"""A site that posts and can be killed at any step of it: points, shortened times, and a blind network."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction

from sharing.networks import posting
from sharing.networks.http import Outbound, connections, exchange
from sharing.networks.posting import bluesky, contract, mastodon
from sharing.posting import claims, tasks
from sharing.posting import kill_points as engine_points
from sharing.posting.sending import Networks
from tests.faults import kill_points

# So long a worker may be silent before what it held is taken from it, in seconds; the site's own is two minutes.
LEASE = 8.0
# An exchange with a network, and how long after one a network may still be at work on it.
WITHIN = 1.5
SETTLES_AFTER = 5.0

BEFORE_THE_CLAIM_COMMITS = "before-the-claim-commits"
AFTER_THE_BYTES = "after-the-bytes"
POINTS = (
    BEFORE_THE_CLAIM_COMMITS, *engine_points.ALL, AFTER_THE_BYTES, kill_points.IN_THE_COMMIT,
)  # fmt: skip

_TAKES_POSTS = ("/api/v1/statuses", "/xrpc/com.atproto.repo.putRecord")
# The demo network speaks http.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Blind(mastodon.MastodonApi):
    """A network that remembers no key and cannot be searched: a post is sent once, or a person decides."""

    slug: ClassVar[str] = "blind"
    name: ClassVar[str] = "Blind"
    abilities: ClassVar[contract.Abilities] = replace(
        mastodon.MastodonApi.abilities, repeat=contract.Repeat.NEVER, key_kept_for=None
    )


def change() -> None:
    """Put in the points, shorten the times, and let each process send as if it were alone on its machine."""
    settings.KILL_POINTS = kill_points._reach
    claims.LEASE = timedelta(seconds=LEASE)
    for connector in (mastodon.MastodonApi, bluesky.Bluesky, Blind):
        connector.abilities = replace(
            connector.abilities, settles_after=timedelta(seconds=SETTLES_AFTER)
        )
    posting._BY_SLUG[Blind.slug] = Blind
    tasks._networks = cache(
        lambda: Networks(Outbound(trusted=settings.POSTING_TRUSTED_HOSTS, within=WITHIN, tls=TLS))
    )
    vars(tasks)["alone_on_this_machine"] = _alone
    _die_before_a_claim_commits()
    _die_after_the_bytes()


@contextmanager
def _alone(_: str) -> Iterator[bool]:
    yield True


def _die_before_a_claim_commits() -> None:
    take = claims._take

    def take_and_reach(*arguments: Any) -> Any:
        with transaction.atomic():
            taken = take(*arguments)
            if taken:
                kill_points._reach(BEFORE_THE_CLAIM_COMMITS)
            return taken

    claims._take = take_and_reach  # type: ignore[assignment]  # any arguments


def _die_after_the_bytes() -> None:
    """Die when the whole of a post is on its way, and no byte of the reply was read."""
    write = connections.Stream.write

    def write_and_reach(stream: Any, buffer: bytes, timeout: float | None = None) -> None:
        write(stream, buffer, timeout)
        if buffer[:1] == b"{" and exchange.under_way.get().place.target in _TAKES_POSTS:
            kill_points._reach(AFTER_THE_BYTES)

    connections.Stream.write = write_and_reach  # type: ignore[assignment,method-assign]
