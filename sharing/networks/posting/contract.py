"""What a network that editors publish on can do, what it is given, and what is asked of it.

A post's way: `stamp` once, `prepare` (may be repeated), then the caller writes down that it is about to
send, then `send`: one request, never repeated inside. Whatever is *unknown* after that is settled by
`find`. Every call but `send` may be made again without harm.
"""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol, Self

from sharing.networks.posting.conclusions import Absent, CannotTell, Found, Receipt
from sharing.networks.posting.lengths import TextRule
from sharing.networks.secret import Secret


class Visibility(StrEnum):
    """Who sees a post; a network that knows fewer takes the nearest narrower one, or refuses."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"


class CardFrom(StrEnum):
    """Where the card under a post comes from: the page's own tags, the post itself, or nowhere."""

    PAGE = "page"
    POST = "post"
    NOWHERE = "nowhere"


class Repeat(StrEnum):
    """When a post whose outcome is unknown may be sent again."""

    ANY_TIME = "any time"  # the network itself refuses the second one, however late it comes
    AFTER_FINDING_NOTHING = "after finding nothing"
    NEVER = "never"  # nothing can be looked up: a person decides


@dataclass(frozen=True, slots=True)
class Abilities:
    """Say what a network can do for a post, whatever the account.

    `settles_after`: only so long after a request may it be concluded from not finding a post that there
    is none; the request may still be under way in the network. `key_kept_for`: how long the network
    itself remembers a key, where it does. `counted_at_once`: of so many posts one request reads the numbers.
    """

    card: CardFrom
    repeat: Repeat
    settles_after: timedelta
    key_kept_for: timedelta | None = None
    edits: bool = False
    deletes: bool = True
    warnings: bool = False
    visibilities: frozenset[Visibility] = frozenset({Visibility.PUBLIC})
    numbers: tuple[str, ...] = ()
    counted_at_once: int = 1


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account is used with.

    `password` is an app password, for networks with sessions. `client_id` and `client_secret` are this
    site's registration at the server, for networks with OAuth: a token is taken back with them.
    """

    access: Secret
    refresh: Secret | None = None
    password: Secret | None = None
    client_id: str = ""
    client_secret: Secret | None = None
    expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Account:
    """One account on one server, as it was when the caller read it.

    `origin` is "https://host". `id` is the server's own id of the account. `view` is the origin where
    posts are read and counted, when it is not the network's usual one.
    """

    origin: str
    id: str
    handle: str
    credentials: Credentials
    view: str = ""


class Keyring(Protocol):
    """Keep one account's credentials for all workers; the caller implements it."""

    def lock(self) -> AbstractContextManager[None]:
        """Hold the account's credentials alone, across processes."""
        ...

    def load(self) -> Credentials:
        """Read the newest ones."""
        ...

    def save(self, credentials: Credentials) -> None:
        """Keep these instead."""
        ...


@dataclass(frozen=True, slots=True)
class Media:
    """A picture of a post: its bytes, their type, what it shows, and its size in pixels."""

    data: bytes = field(repr=False)
    type: str
    alt: str
    width: int
    height: int
    name: str = "image"


@dataclass(frozen=True, slots=True)
class Card:
    """The card of a link, for networks that do not read it from the page."""

    url: str
    title: str
    description: str = ""
    picture: Media | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """What an editor wants to say. `link` is this delivery's own short link: it finds the post again."""

    text: str
    link: str
    language: str = ""
    visibility: Visibility = Visibility.PUBLIC
    warning: str = ""
    media: tuple[Media, ...] = ()
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one post from all others, fixed before the first try and never changed after it."""

    key: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Prepared:
    """The one request, ready to be sent again and again in the same words. It has no secret in it.

    `body` is JSON, byte for byte what is sent.
    """

    stamp: Stamp
    link: str
    body: str

    def to_json(self) -> str:
        """Write it down for a database."""
        stamp = {"key": self.stamp.key, "created_at": self.stamp.created_at.isoformat()}
        return json.dumps({"stamp": stamp, "link": self.link, "body": self.body})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        row = json.loads(text)
        stamp = row["stamp"]
        return cls(
            Stamp(stamp["key"], datetime.fromisoformat(stamp["created_at"])),
            row["link"],
            row["body"],
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server takes from an account. A missing figure is one that the server does not tell."""

    text: TextRule
    media: int
    media_types: frozenset[str]
    media_bytes: int | None
    alt: int | None
    media_pixels: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a post, in a sentence for the editor; one that does not block is a warning."""

    field: str
    sentence: str
    blocking: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """A post as the network shows it. `card` is None where the network does not say."""

    id: str
    permalink: str
    text: str
    created_at: datetime | None
    card: bool | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """A network's own counts of one post; None is a count that it did not give, never 0."""

    id: str
    as_of: datetime
    reposts: int | None = None
    likes: int | None = None
    replies: int | None = None
    quotes: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Whose account it is, as the server says."""

    id: str
    handle: str
    name: str
    scopes: frozenset[str] = frozenset()


class Connector(Protocol):
    """Publish on one network. Instances hold an `Outbound` and no state; threads may share them.

    All but `send` raise Stopped. Moments have a time zone.
    """

    slug: ClassVar[str]
    name: ClassVar[str]
    abilities: ClassVar[Abilities]

    @classmethod
    def id_in(cls, address: str, *, host: str, account_id: str, handle: str = "") -> str:
        """Return the id of the post that people open at an address, or "" where the address names none.

        `host` is the account's server; the post of another server or account is none. `handle` is the
        account's name, for networks whose addresses name nothing else.
        """
        ...

    @classmethod
    def counted_by(cls, account: Account) -> str:
        """Return the host whose numbers `observe` reads."""
        ...

    def limits(self, account: Account) -> Limits:
        """Ask what the server takes; keep the answer with its age."""
        ...

    def usual_limits(self) -> Limits:
        """Return the network's documented figures, for a server that does not answer."""
        ...

    def check(self, post: Post, limits: Limits) -> Sequence[Problem]:
        """Say what is wrong with a post, without asking anybody."""
        ...

    def stamp(self, now: datetime) -> Stamp:
        """Make a post's key; called once a post, and kept before anything is sent."""
        ...

    def prepare(self, account: Account, post: Post, stamp: Stamp, limits: Limits) -> Prepared:
        """Upload what the post needs and fix the request. Repeated, it keeps the stamp."""
        ...

    def prepares_alone(self, post: Post) -> bool:
        """Say whether `prepare` makes no request for this post."""
        ...

    def send(self, account: Account, prepared: Prepared) -> Receipt:
        """Make the one request that cannot be taken back; never raises for what a network does."""
        ...

    def find(
        self, account: Account, prepared: Prepared, *, sent_at: datetime, now: datetime
    ) -> Found | Absent | CannotTell:
        """Look whether the network holds the post, last sent at this moment.

        Where `abilities.repeat` is NEVER: CannotTell, with no moment to ask again.
        """
        ...

    def fetch(self, account: Account, id: str) -> Seen | None:
        """Read a post back, or None if it is gone; Stopped where no post can be looked up."""
        ...

    def edit(self, account: Account, id: str, prepared: Prepared) -> None:
        """Change a post's text; only where `abilities.edits`."""
        ...

    def delete(self, account: Account, id: str) -> None:
        """Take a post away; one that is gone already is no error."""
        ...

    def observe(self, account: Account, ids: Sequence[str]) -> Sequence[Numbers]:
        """Read the numbers of posts; those that are gone or silent are left out, all where there are none."""
        ...

    def profile(self, account: Account) -> Profile:
        """Ask whose account it is: the way to see that the credentials work."""
        ...

    def renew(self, account: Account, keyring: Keyring) -> Account:
        """Return the account with fresh credentials, made by one caller and taken over by the others."""
        ...

    def revoke(self, account: Account) -> None:
        """Make the credentials useless at the server, as far as it lets a program do that."""
        ...
