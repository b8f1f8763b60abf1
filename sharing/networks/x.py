"""X.

Composer: https://developer.x.com/en/docs/x-for-websites/tweet-button/guides/web-intent;
weights: https://docs.x.com/fundamentals/counting-characters and
https://github.com/twitter/twitter-text/blob/master/config/v3.json (all checked November 2026).
"""

import unicodedata

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

_TITLE_ROOM = 280 - 23 - len(" ")  # any URL weighs 23, and a space joins it to the text

# Code points that weigh 1; all others weigh 2. X weighs a whole emoji sequence as 2 where this
# adds up its parts: too much at worst, never too little.
_LIGHT = (range(4_352), range(8_192, 8_206), range(8_208, 8_224), range(8_242, 8_248))


def _weigh(grapheme: str) -> int:
    return sum(1 if any(ord(c) in light for light in _LIGHT) else 2 for c in grapheme)


class X(Network):
    __slots__ = ()

    slug = "x"
    name = "X"
    suffix = "xx"
    hosts = frozenset({"x.com"})

    def composer_url(self, composition: Composition) -> str:
        """Give title and URL apart: X puts the URL after the text."""
        title = shorten(unicodedata.normalize("NFC", composition.title), _TITLE_ROOM, _weigh)
        return with_query("https://x.com/intent/tweet", text=title, url=composition.url)
