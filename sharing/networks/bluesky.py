"""Bluesky.

Composer: https://docs.bsky.app/docs/advanced-guides/intent-links (checked November 2026).
A post holds 300 graphemes and 3,000 bytes, with its URL inside the text.
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import graphemes, shorten

_LIMIT = 3_000


def _weigh(grapheme: str) -> int:
    # A grapheme costs ten bytes, or its own bytes if those are more: so 3,000 keeps both limits.
    return max(10, len(grapheme.encode()))


class Bluesky(Network):
    __slots__ = ()

    slug = "bluesky"
    name = "Bluesky"
    suffix = "bs"
    hosts = frozenset({"bsky.app"})

    def composer_url(self, composition: Composition) -> str:
        """Put the URL on a line of its own, whole, and shorten the title to the room left."""
        room = _LIMIT - sum(map(_weigh, graphemes(f"\n{composition.url}")))
        title = shorten(composition.title, room, _weigh)
        return with_query(
            "https://bsky.app/intent/compose", text=f"{title}\n{composition.url}".lstrip()
        )
