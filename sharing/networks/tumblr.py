"""Tumblr.

Composer: https://www.tumblr.com/docs/en/share_button (checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

# Generous for words, and short enough for the response header that this travels in.
_TITLE_ROOM = 250
_CAPTION_ROOM = 300


class Tumblr(Network):
    __slots__ = ()

    slug = "tumblr"
    name = "Tumblr"
    suffix = "tu"
    hosts = frozenset({"www.tumblr.com"})

    def composer_url(self, composition: Composition) -> str:
        """Make a link post: URL, title, and the summary as its caption."""
        return with_query(
            "https://www.tumblr.com/widgets/share/tool",
            posttype="link",
            canonicalUrl=composition.url,
            title=shorten(composition.title, _TITLE_ROOM),
            caption=shorten(composition.text, _CAPTION_ROOM),
        )
