"""Hacker News.

Composer: https://news.ycombinator.com/bookmarklet.html; a title holds 80 characters, which the
submission page enforces (both checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

_TITLE_ROOM = 80


class HackerNews(Network):
    __slots__ = ()

    slug = "hackernews"
    name = "Hacker News"
    suffix = "hn"
    hosts = frozenset({"news.ycombinator.com"})
    takes_short_links = False

    def composer_url(self, composition: Composition) -> str:
        """Give URL and title."""
        title = shorten(composition.title, _TITLE_ROOM)
        return with_query("https://news.ycombinator.com/submitlink", u=composition.url, t=title)
