"""Short links: a share code and a channel's suffix, computed, never stored. They name no person."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse

from sharing.channels import BY_SUFFIX, COPY_LINK, SHARE_SHEET, Channel
from sharing.models import CAMPAIGN_CODE_LENGTH, CODE_LENGTH
from sharing.offering import Offer
from sharing.posting.models import POST_CODE_LENGTH

# What has none is named in words alone.
ICONS = tuple(
    sorted(file.stem for file in Path(__file__).parent.glob("templates/sharing/icons/*.svg"))
)


def short_link(code: str, channel: Channel) -> str:
    """Return the absolute short link of a target for one channel."""
    return f"{settings.SITE_URL}{reverse('sharing:arrival', args=[code + channel.suffix])}"


def campaign_address(code: str) -> str:
    """Return the absolute short link of a campaign."""
    return f"{settings.SITE_URL}{reverse('sharing:arrival', args=[code])}"


def is_campaign_code(link: str) -> bool:
    """Tell whether a short link's last part can be a campaign's: readers' links are one longer."""
    return len(link) == CAMPAIGN_CODE_LENGTH


def post_address(code: str) -> str:
    """Return the absolute short link in one of our own posts."""
    return f"{settings.SITE_URL}{reverse('sharing:arrival', args=[code])}"


def is_post_code(link: str) -> bool:
    """Tell whether a short link's last part can be one of our posts'."""
    return len(link) == POST_CODE_LENGTH


def ways_to_share(code: str | None, offer: Offer) -> dict[str, Any]:
    """Return what the templates of the share bar need beside a title; no link without a code."""
    return {
        "networks": offer.networks,
        "icons": ICONS,
        "copy_link": short_link(code, COPY_LINK) if code else "",
        "copy_channel": COPY_LINK.slug,
        "sheet_link": short_link(code, SHARE_SHEET) if code else "",
        "sheet_channel": SHARE_SHEET.slug,
    }


def parse_link(link: str) -> tuple[str, Channel] | None:
    """Return the code and channel that a short link's last part names, or None."""
    channel = BY_SUFFIX.get(link[CODE_LENGTH:])
    return (link[:CODE_LENGTH], channel) if channel else None
