"""Lemmy.

Composer: the page for a new post fills itself from `url` and `title`,
https://github.com/LemmyNet/lemmy-ui/issues/1913; a title holds 200 characters:
https://github.com/LemmyNet/lemmy/blob/main/crates/utils/src/utils/validation.rs (both checked
November 2026). Servers that run an
older lemmy-ui (0.18.0 to 0.19.3) open the page empty.
"""

from sharing.networks.base import Composition, FederatedNetwork, with_query
from sharing.networks.instances import parse_instance
from sharing.networks.text import shorten

_TITLE_ROOM = 200


class Lemmy(FederatedNetwork):
    __slots__ = ()

    slug = "lemmy"
    name = "Lemmy"
    suffix = "le"
    example = "lemmy.world"

    def composer_url(self, composition: Composition, *, instance: str = "") -> str:
        """Give URL and title; see FederatedNetwork."""
        title = shorten(composition.title, _TITLE_ROOM)
        return with_query(
            f"https://{parse_instance(instance)}/create_post", url=composition.url, title=title
        )
