"""The networks readers can share on, in the order the share bar shows them."""

from sharing.networks.base import Composition, FederatedNetwork, Network
from sharing.networks.bluesky import Bluesky
from sharing.networks.email import Email
from sharing.networks.facebook import Facebook
from sharing.networks.flipboard import Flipboard
from sharing.networks.hackernews import HackerNews
from sharing.networks.instances import InvalidInstance, parse_instance
from sharing.networks.lemmy import Lemmy
from sharing.networks.line import Line
from sharing.networks.linkedin import LinkedIn
from sharing.networks.mastodon import Mastodon
from sharing.networks.pinterest import Pinterest
from sharing.networks.reddit import Reddit
from sharing.networks.sms import Sms
from sharing.networks.telegram import Telegram
from sharing.networks.threads import Threads
from sharing.networks.tumblr import Tumblr
from sharing.networks.whatsapp import WhatsApp
from sharing.networks.x import X
from sharing.networks.xing import Xing

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
    Threads(),
    Reddit(),
    Telegram(),
    Pinterest(),
    Tumblr(),
    HackerNews(),
    Lemmy(),
    Flipboard(),
    Line(),
    Xing(),
    Sms(),
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
