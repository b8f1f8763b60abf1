"""Threads.

Composer: https://developers.facebook.com/docs/threads/threads-web-intents; a post holds 500
characters: https://developers.facebook.com/docs/threads/posts (both checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

_TITLE_ROOM = 500


class Threads(Network):
    __slots__ = ()

    slug = "threads"
    name = "Threads"
    suffix = "th"
    hosts = frozenset({"www.threads.com"})

    def composer_url(self, composition: Composition) -> str:
        """Give title and URL apart: the URL becomes the post's link, with a card of its own."""
        title = shorten(composition.title, _TITLE_ROOM)
        return with_query("https://www.threads.com/intent/post", text=title, url=composition.url)
