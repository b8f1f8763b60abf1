"""Mastodon, and the servers that took over its `/share` page.

Composer: https://github.com/mastodon/mastodon/blob/main/app/controllers/shares_controller.rb;
lengths: https://docs.joinmastodon.org/user/posting/ (both checked November 2026). A post holds
500 characters unless its server says otherwise, and any URL counts as 23.
"""

from sharing.networks.base import Composition, FederatedNetwork, with_query
from sharing.networks.instances import parse_instance
from sharing.networks.text import shorten

_TITLE_ROOM = 500 - 23 - len("\n")


class Mastodon(FederatedNetwork):
    __slots__ = ()

    slug = "mastodon"
    name = "Mastodon"
    suffix = "ma"
    example = "mastodon.social"

    def composer_url(self, composition: Composition, *, instance: str = "") -> str:
        """Put the URL on a line of its own under the title; see FederatedNetwork."""
        title = shorten(composition.title, _TITLE_ROOM)
        return with_query(
            f"https://{parse_instance(instance)}/share",
            text=f"{title}\n{composition.url}".lstrip(),
        )
