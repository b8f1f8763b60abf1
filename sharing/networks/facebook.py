"""Facebook.

Composer: https://developers.facebook.com/docs/plugins/share-button/ (checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query


class Facebook(Network):
    __slots__ = ()

    slug = "facebook"
    name = "Facebook"
    suffix = "fb"
    hosts = frozenset({"www.facebook.com"})

    def composer_url(self, composition: Composition) -> str:
        """Send the URL alone: Facebook reads title and picture from the page."""
        return with_query("https://www.facebook.com/sharer/sharer.php", u=composition.url)
