"""The networks that editors publish on."""

from sharing.networks.http import Outbound
from sharing.networks.posting.bluesky import Bluesky
from sharing.networks.posting.contract import Connector
from sharing.networks.posting.mastodon import MastodonApi
from sharing.networks.posting.telegram import TelegramChannel

__all__ = ["CONNECTORS", "NoConnector", "connector", "network_name"]

CONNECTORS: tuple[type[MastodonApi | Bluesky | TelegramChannel], ...] = (
    MastodonApi,
    Bluesky,
    TelegramChannel,
)

_BY_SLUG = {each.slug: each for each in CONNECTORS}


def network_name(slug: str) -> str:
    """Return what people call a network; one that nothing publishes on (any more) by its slug."""
    found = _BY_SLUG.get(slug)
    return found.name if found else slug.capitalize()


class NoConnector(LookupError):
    """Say that nothing can be published on the network of this slug."""


def connector(slug: str, outbound: Outbound) -> Connector:
    """Return what publishes on this network, or raise NoConnector."""
    try:
        return _BY_SLUG[slug](outbound)
    except KeyError:
        raise NoConnector(slug) from None
