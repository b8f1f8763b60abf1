"""Reddit.

Composer: the submission page, https://www.reddit.com/submit, with `url` and `title`; a title holds
300 characters: https://www.reddit.com/dev/api#POST_api_submit (both checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

_TITLE_ROOM = 300


class Reddit(Network):
    __slots__ = ()

    slug = "reddit"
    name = "Reddit"
    suffix = "rd"
    hosts = frozenset({"www.reddit.com"})
    takes_short_links = False

    def composer_url(self, composition: Composition) -> str:
        """Give URL and title; the reader chooses a community there."""
        title = shorten(composition.title, _TITLE_ROOM)
        return with_query("https://www.reddit.com/submit", url=composition.url, title=title)
