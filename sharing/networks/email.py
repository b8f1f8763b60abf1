"""E-mail, through whatever program the reader writes it with.

Composer: RFC 6068, https://www.rfc-editor.org/rfc/rfc6068 (checked November 2026). Line breaks
belong in the body alone, as %0D%0A: one in the subject would begin a new header field, so it
matters that a composition's title is a single line.
"""

from sharing.networks.base import Composition, Network, with_query
from sharing.networks.text import shorten

# Generous for words, and short enough for mail programs and for the response header it travels in.
_TITLE_ROOM = 200
_TEXT_ROOM = 300


class Email(Network):
    __slots__ = ()

    slug = "email"
    name = "E-mail"
    suffix = "em"
    schemes = frozenset({"mailto"})

    def composer_url(self, composition: Composition) -> str:
        """Leave the recipient open; the body is title, blank line, text if any, URL."""
        title = shorten(composition.title, _TITLE_ROOM)
        text = shorten(composition.text, _TEXT_ROOM)
        body = [title, "", text, composition.url] if text else [title, "", composition.url]
        return with_query("mailto:", subject=title, body="\r\n".join(body))
