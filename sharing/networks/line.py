"""LINE.

Composer: https://developers.line.biz/en/docs/line-social-plugins/install-guide/using-line-share-buttons/
(checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query


class Line(Network):
    __slots__ = ()

    slug = "line"
    name = "LINE"
    suffix = "ln"
    hosts = frozenset({"social-plugins.line.me"})

    def composer_url(self, composition: Composition) -> str:
        """Send the URL alone: LINE reads title and picture from the page."""
        return with_query("https://social-plugins.line.me/lineit/share", url=composition.url)
