"""Telegram.

Composer: https://core.telegram.org/widgets/share (checked November 2026). A message holds 4,096
characters; far fewer fit in the response header that this travels in.
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

_TITLE_ROOM = 500


class Telegram(Network):
    __slots__ = ()

    slug = "telegram"
    name = "Telegram"
    suffix = "tg"
    hosts = frozenset({"t.me"})

    def composer_url(self, composition: Composition) -> str:
        """Give URL and title apart: Telegram puts the title under the URL."""
        title = shorten(composition.title, _TITLE_ROOM)
        return with_query("https://t.me/share/url", url=composition.url, text=title)
