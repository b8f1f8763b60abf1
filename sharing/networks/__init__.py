"""The networks readers can share on, in the order the share bar shows them."""

from sharing.networks.base import Composition, FederatedNetwork, Network
from sharing.networks.bluesky import Bluesky
from sharing.networks.email import Email
from sharing.networks.facebook import Facebook
from sharing.networks.instances import InvalidInstance, parse_instance
from sharing.networks.linkedin import LinkedIn
from sharing.networks.mastodon import Mastodon
from sharing.networks.whatsapp import WhatsApp
from sharing.networks.x import X

__all__ = [
    "NETWORKS",
    "Composition",
    "FederatedNetwork",
    "InvalidInstance",
    "Network",
    "UnknownNetwork",
    "network",
    "parse_instance",
]

NETWORKS: tuple[Network, ...] = (
    Bluesky(),
    Mastodon(),
    Facebook(),
    X(),
    LinkedIn(),
    WhatsApp(),
    Email(),
)

_BY_SLUG = {each.slug: each for each in NETWORKS}


class UnknownNetwork(LookupError):
    """Say that no network has this slug."""


def network(slug: str) -> Network:
    """Return the network with this slug, or raise UnknownNetwork."""
    try:
        return _BY_SLUG[slug]
    except KeyError:
        raise UnknownNetwork(slug) from None
