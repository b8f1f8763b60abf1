"""The client that the admin speaks with networks through: it gives up sooner than a worker's."""

from functools import cache

from django.conf import settings

from sharing.networks.http import Outbound

# In seconds: a person waits for it.
_WITHIN = 8.0


def outbound() -> Outbound:
    """Return this process's client."""
    return client(tuple(settings.POSTING_TRUSTED_HOSTS))


@cache
def client(trusted: tuple[str, ...]) -> Outbound:
    """Return the client that may also ask these hosts."""
    return Outbound(trusted=trusted, within=_WITHIN)
