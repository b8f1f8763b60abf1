"""What a network is: an identity, and a composer that readers are sent to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote, urlencode

from sharing.networks.text import plain


@dataclass(frozen=True)
class Composition:
    """Say what is shared; title and text are made plain on the way in.

    `url` is absolute. `title` is one line. `text` is a one-sentence summary and may be empty.
    `image_url`, absolute, is the picture that stands for it, where there is one.
    """

    url: str
    title: str
    text: str = ""
    image_url: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", plain(self.title))
        object.__setattr__(self, "text", plain(self.text))


class Network(ABC):
    """Describe one network; instances hold no state.

    `suffix` follows the share code in a short link and says which network the link was made for:
    two lowercase letters, for ever, because posted links never change. `cl`, `sh` and `qr` are
    taken by the copied link, the share sheet and the QR code. `schemes` and `hosts` are all the
    places a reader may be sent; an address without a host, or on a host the reader names, leaves
    `hosts` empty. Where `takes_short_links` is false the network distrusts or forbids links that
    only lead on: it gets the page's own address, and arrivals from it are not seen. `takes_pictures` asks for
    `composition.image_url`.
    """

    __slots__ = ()

    slug: ClassVar[str]
    name: ClassVar[str]
    suffix: ClassVar[str]
    schemes: ClassVar[frozenset[str]] = frozenset({"https"})
    hosts: ClassVar[frozenset[str]] = frozenset()
    takes_short_links: ClassVar[bool] = True
    takes_pictures: ClassVar[bool] = False

    @abstractmethod
    def composer_url(self, composition: Composition) -> str:
        """Address the network's own composer, filled in; `composition.url` is in it whole."""


class FederatedNetwork(Network):
    """Describe a network of many servers, where the reader names theirs; `example` is one."""

    __slots__ = ()

    example: ClassVar[str]

    @abstractmethod
    def composer_url(self, composition: Composition, *, instance: str = "") -> str:
        """Address the composer on `instance`, as the reader typed it.

        Raises InvalidInstance. Called without one it does so too, like a form sent empty: code
        that treats all networks alike is told to ask, and nobody's server is guessed.
        """


def with_query(address: str, **fields: str) -> str:
    """Add the fields in UTF-8, percent-encoded; a space is %20, as `mailto:` knows no `+`."""
    return f"{address}?{urlencode(fields, quote_via=quote, safe='')}"
