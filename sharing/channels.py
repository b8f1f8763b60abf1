"""The ways a share can go: the networks, and those that no network owns."""

from dataclasses import dataclass

from sharing.networks import NETWORKS


@dataclass(frozen=True)
class Channel:
    """One way a share goes; the suffix follows the share code in its short links."""

    slug: str
    name: str
    suffix: str


COPY_LINK = Channel("copy-link", "Copied link", "cl")
SHARE_SHEET = Channel("share-sheet", "Share sheet", "sh")
QR = Channel("qr", "QR code", "qr")
CHANNELS = (
    *(Channel(network.slug, network.name, network.suffix) for network in NETWORKS),
    COPY_LINK,
    SHARE_SHEET,
    QR,
)
# A campaign link's own channel is this and its code; its name is an editor's, and not for readers.
CAMPAIGN_PREFIX = "campaign-"
# Likewise the channel of the short link in one of our own posts.
POST_PREFIX = "post-"
BY_SLUG = {channel.slug: channel for channel in CHANNELS}
BY_SUFFIX = {channel.suffix: channel for channel in CHANNELS}


def public_name(slug: str) -> str:
    """Return what readers call a channel: all campaigns alike, and all our posts."""
    if slug.startswith(CAMPAIGN_PREFIX):
        return "Campaign links"
    if slug.startswith(POST_PREFIX):
        return "Our own posts"
    return BY_SLUG[slug].name if slug in BY_SLUG else slug
