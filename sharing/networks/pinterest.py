"""Pinterest.

Composer: the address behind the Save button of
https://developers.pinterest.com/docs/web-features/add-ons-overview/; a pin's description holds 500
characters: https://developers.pinterest.com/docs/api/v5/pins-create (both checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

_DESCRIPTION_ROOM = 500


class Pinterest(Network):
    __slots__ = ()

    slug = "pinterest"
    name = "Pinterest"
    suffix = "pi"
    hosts = frozenset({"www.pinterest.com"})
    takes_pictures = True

    def composer_url(self, composition: Composition) -> str:
        """Give URL, picture and title; without a picture Pinterest looks for one on the page."""
        picture = {"media": composition.image_url} if composition.image_url else {}
        return with_query(
            "https://www.pinterest.com/pin/create/button/",
            url=composition.url,
            **picture,
            description=shorten(composition.title, _DESCRIPTION_ROOM),
        )
