"""Short links: a share code and a channel's suffix, computed, never stored. They name no person."""

from django.conf import settings
from django.urls import reverse

from sharing.channels import BY_SUFFIX, Channel
from sharing.models import CODE_LENGTH


def short_link(code: str, channel: Channel) -> str:
    """Return the absolute short link of a target for one channel."""
    return f"{settings.SITE_URL}{reverse('sharing:arrival', args=[code + channel.suffix])}"


def parse_link(link: str) -> tuple[str, Channel] | None:
    """Return the code and channel that a short link's last part names, or None."""
    channel = BY_SUFFIX.get(link[CODE_LENGTH:])
    return (link[:CODE_LENGTH], channel) if channel else None
