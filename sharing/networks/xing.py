"""Xing.

Composer: https://dev.xing.com/plugins/share_button (checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query


class Xing(Network):
    __slots__ = ()

    slug = "xing"
    name = "Xing"
    suffix = "xi"
    hosts = frozenset({"www.xing.com"})

    def composer_url(self, composition: Composition) -> str:
        """Send the URL alone: Xing reads title and picture from the page."""
        return with_query("https://www.xing.com/spi/shares/new", url=composition.url)
