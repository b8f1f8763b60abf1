"""A text message, through whatever program the reader's telephone writes it with.

Composer: RFC 5724, https://www.rfc-editor.org/rfc/rfc5724, which puts the text into `?body=`. iOS
looks for `&body=` instead; with both signs every telephone finds it, which is common practice and
nobody's specification (both checked November 2026).
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

# Three messages of 153 characters, with room for the URL.
_TITLE_ROOM = 300


class Sms(Network):
    __slots__ = ()

    slug = "sms"
    name = "Text message"
    suffix = "sm"
    schemes = frozenset({"sms"})

    def composer_url(self, composition: Composition) -> str:
        """Leave the recipient open; the message is the title and the URL."""
        title = shorten(composition.title, _TITLE_ROOM)
        address = with_query("sms:", body=f"{title} {composition.url}".lstrip())
        return address.replace("?", "?&", 1)
