"""LinkedIn.

Composer: the address behind the share button of
https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/plugins/share-plugin
(checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query


class LinkedIn(Network):
    __slots__ = ()

    slug = "linkedin"
    name = "LinkedIn"
    suffix = "li"
    hosts = frozenset({"www.linkedin.com"})

    def composer_url(self, composition: Composition) -> str:
        """Send the URL alone: LinkedIn reads title and picture from the page."""
        return with_query("https://www.linkedin.com/sharing/share-offsite/", url=composition.url)
