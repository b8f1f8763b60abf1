"""Flipboard.

Composer: the address behind the share button of https://about.flipboard.com/tools/ (checked
November 2026).
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

_TITLE_ROOM = 300


class Flipboard(Network):
    __slots__ = ()

    slug = "flipboard"
    name = "Flipboard"
    suffix = "fl"
    hosts = frozenset({"share.flipboard.com"})

    def composer_url(self, composition: Composition) -> str:
        """Give title and URL; the reader chooses a magazine there."""
        return with_query(
            "https://share.flipboard.com/bookmarklet/popout",
            v="2",
            title=shorten(composition.title, _TITLE_ROOM),
            url=composition.url,
        )
