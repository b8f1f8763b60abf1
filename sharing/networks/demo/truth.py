"""What the demo network really holds, whatever it answered."""

import hashlib
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

DEMO_ACCOUNTS = {"demo": "demo-demo-demo-demo"}


@dataclass(slots=True)
class Habits:
    """How this network behaves when nothing is wrong.

    `flavour` is "mastodon", "gotosocial", or "old": a server that knows no more of Mastodon's API than its first
    version, and whose access ends and is renewed. `honours_keys`: the same Idempotency-Key gives the same post.
    `shows_own_posts`: without it the network is blind, nothing can be looked up; `hidden_posts` of an old server are
    counted and not shown. `media_looks` is how often
    a picture is asked for before it is ready. `session_seconds` is how long a session of the AT Protocol lives.
    """

    flavour: str = "mastodon"
    honours_keys: bool = True
    shows_own_posts: bool = True
    hidden_posts: int = 0
    characters: int = 500
    media_looks: int = 0
    session_seconds: int = 7200


@dataclass(slots=True)
class StoredPost:
    """One post: `key` is its Idempotency-Key or its record key, `said` what was sent."""

    id: str
    network: str
    account: str
    key: str
    text: str
    said: dict[str, Any]
    created_at: datetime
    gone: bool = False
    likes: int = 0
    reposts: int = 0
    replies: int = 0


@dataclass(slots=True)
class Token:
    """What somebody was let in with."""

    account: str
    scopes: frozenset[str] = frozenset()
    kind: str = "oauth"
    family: str = ""
    state: str = "good"  # or "expired", "revoked", "used", "kicked", "mute"


@dataclass(slots=True)
class StoredMedia:
    """A picture: its length and type, and what it shows; the bytes of the last ones are in `Truth.pictures`."""

    id: str
    type: str
    size: int
    alt: str = ""
    looks: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """What a page says of itself; `picture` is the id of one that is kept, or ""."""

    address: str
    title: str
    words: str
    picture: str
    alt: str


# What people may be shown; anything else is thrown away.
_SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
# In bytes, of all pictures together.
_MOST_KEPT = 64 * 1024 * 1024


@dataclass(slots=True)
class Truth:
    """Everything, under one lock."""

    habits: Habits = field(default_factory=Habits)
    accounts: dict[str, str] = field(default_factory=lambda: dict(DEMO_ACCOUNTS))
    posts: list[StoredPost] = field(default_factory=list)
    media: dict[str, StoredMedia] = field(default_factory=dict)
    # Type and bytes by id, oldest first; cards by the link that leads to their page.
    pictures: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    on_post: Callable[[StoredPost], None] | None = None
    apps: dict[str, tuple[str, str]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)
    # In milliseconds since 1970.
    began: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    _ids: Any = field(init=False)

    def __post_init__(self) -> None:
        """Let ids begin with the moment, as Mastodon's do: a later run never gives an earlier run's id again."""
        self._ids = count((self.began << 16) + 1)

    def next_id(self) -> str:
        """Return an id that grows."""
        return str(next(self._ids))

    def add(
        self, network: str, account: str, key: str, text: str, said: dict[str, Any], id: str
    ) -> StoredPost:
        """Commit a post."""
        post = StoredPost(id, network, account, key, text, said, datetime.now(UTC))
        self.posts.append(post)
        if self.on_post:
            self.on_post(post)
        return post

    def keep_picture(self, id: str, kind: str, data: bytes) -> str:
        """Keep a picture to show it to people, instead of the oldest ones; return its id, "" for anything else."""
        if kind not in _SHOWN or not data:
            return ""
        self.pictures[id] = (kind, data)
        while sum(len(each) for _, each in self.pictures.values()) > _MOST_KEPT:
            del self.pictures[next(iter(self.pictures))]
        return id

    def post(self, id: str) -> StoredPost | None:
        """Return the post that is there under this id."""
        return next((each for each in self.posts if each.id == id and not each.gone), None)

    def of_account(self, network: str, account: str) -> list[StoredPost]:
        """Return an account's posts, newest first."""
        mine = [each for each in self.posts if (each.network, each.account) == (network, account)]
        return [each for each in reversed(mine) if not each.gone]

    def holding(self, link: str) -> list[StoredPost]:
        """Return the posts that a link is in, gone ones too: two are a double."""
        return [each for each in self.posts if link in str(each.said)]

    def let_in(self, account: str, **what: Any) -> str:
        """Make a token."""
        token = secrets.token_urlsafe(24)
        self.tokens[token] = Token(account, **what)
        return token

    def mark_tokens(self, state: str, *, kinds: frozenset[str] | None = None) -> None:
        """Expire or revoke every token, or those of some kinds."""
        for token in self.tokens.values():
            if kinds is None or token.kind in kinds:
                token.state = state

    def drop_scope(self, scope: str) -> None:
        """Take a permission from every token."""
        for token in self.tokens.values():
            token.scopes = token.scopes - {scope}


def did_of(account: str) -> str:
    """Return an account's identity in the AT Protocol: always the same one."""
    return f"did:plc:{hashlib.sha256(account.encode()).hexdigest()[:24]}"


def handle_of(account: str) -> str:
    """Return an account's handle; nobody can own a name under .test."""
    return f"{account}.test"
