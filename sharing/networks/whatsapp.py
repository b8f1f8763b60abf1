"""WhatsApp.

Composer: https://faq.whatsapp.com/5913398998672934 (checked November 2026); without a telephone
number in the path WhatsApp asks whom to send it to.
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

# WhatsApp takes far more, but this travels in a response header, and servers limit those.
_TITLE_ROOM = 500


class WhatsApp(Network):
    __slots__ = ()

    slug = "whatsapp"
    name = "WhatsApp"
    suffix = "wa"
    hosts = frozenset({"wa.me"})

    def composer_url(self, composition: Composition) -> str:
        """Put the URL on a line of its own under the title."""
        title = shorten(composition.title, _TITLE_ROOM)
        return with_query("https://wa.me/", text=f"{title}\n{composition.url}".lstrip())
