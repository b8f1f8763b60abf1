"""What a server of the fediverse says of itself, of an account and of a post, put into the contract's words."""

from collections.abc import Sequence
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import quote, urlsplit

from sharing.networks.posting import reading
from sharing.networks.posting.contract import Account, Limits, Numbers, Profile, Seen
from sharing.networks.posting.lengths import TextRule
from sharing.networks.posting.mastodon_sign_in import SCOPES


def read_limits(found: Any) -> Limits:
    """Read either version of an instance's description; what it leaves out is Mastodon's own figure."""
    version = reading.text(found, "version").lower()
    source = reading.text(found, "source_url").lower()
    configuration = reading.at(found, "configuration")
    limit = (
        reading.count(configuration, "statuses", "max_characters")
        or reading.count(found, "max_toot_chars")
        or 500
    )
    if "gotosocial" in source or "gotosocial" in version:
        text = TextRule(limit, unit="codepoint", warning_counts=True)
    elif any(name in version for name in ("pleroma", "akkoma")):
        text = TextRule(limit, warning_counts=True)
    elif any(name in version for name in ("pixelfed", "hollo")):
        text = TextRule(limit, unit="codepoint")
    else:
        link = reading.count(configuration, "statuses", "characters_reserved_per_url")
        text = TextRule(limit, link=link or 23, local_mentions=True, warning_counts=True)
    media = reading.at(configuration, "media_attachments")
    types = frozenset(reading.strings(media, "supported_mime_types"))
    media_count = reading.count(configuration, "statuses", "max_media_attachments")
    return Limits(
        text=text,
        media=4 if media_count is None else media_count,
        media_types=types or frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"}),
        media_bytes=reading.count(media, "image_size_limit"),
        alt=reading.count(media, "description_limit") or 1500,
        media_pixels=reading.count(media, "image_matrix_limit"),
    )


def read_profile(found: Any, origin: str) -> Profile:
    """Read an account; its handle is "@name@host"."""
    username = reading.text(found, "username")
    return Profile(
        reading.text(found, "id"),
        f"@{username}@{urlsplit(origin).netloc}",
        reading.said(found, "display_name") or username,
        frozenset(SCOPES),
    )


def read_seen(status: Any, account: Account, id: str) -> Seen:
    """Read a post as it is shown."""
    return Seen(
        id,
        permalink(account, status),
        _plain_text(reading.text(status, "content")),
        reading.moment(status, "created_at"),
        card=bool(reading.at(status, "card")),
    )


def read_numbers(status: Any, id: str, as_of: datetime) -> Numbers:
    """Read a post's numbers."""
    return Numbers(
        id,
        as_of,
        reposts=reading.count(status, "reblogs_count"),
        likes=reading.count(status, "favourites_count"),
        replies=reading.count(status, "replies_count"),
        quotes=reading.count(status, "quotes_count"),
    )


def permalink(account: Account, status: Any) -> str:
    """Return where people see a post: as it says itself, or Mastodon's usual address."""
    address = reading.text(status, "url") or reading.text(status, "uri")
    if urlsplit(address).scheme in {"http", "https"}:
        return address
    name = account.handle.removeprefix("@").partition("@")[0]
    return f"{account.origin}/@{name}/{quote(reading.text(status, 'id'), safe='')}"


def contains(status: Any, link: str) -> bool:
    """Say whether the whole link is in the post, not just the beginning of a longer one."""
    for words in (reading.text(status, "content"), reading.text(status, "text")):
        haystack = unescape(words)
        start = haystack.find(link)
        while start >= 0:
            after = haystack[start + len(link) : start + len(link) + 1]
            if not after or after in "\"'<>,.;:!?)]" or after.isspace():
                return True
            start = haystack.find(link, start + 1)
    return link in (reading.text(status, "card", "url"), reading.text(status, "link"))


def _plain_text(html: str) -> str:
    parts = html.replace("<br>", "\n").replace("<br />", "\n").replace("</p><p>", "\n\n").split("<")
    return unescape(parts[0] + "".join(part.partition(">")[2] for part in parts[1:])).strip()


def ends_before(statuses: Sequence[Any], oldest: datetime) -> bool:
    """Say whether a page, newest first as pages are, goes back to before a moment."""
    first, last = (reading.moment(statuses[end], "created_at") for end in (0, -1))
    return first is not None and last is not None and last < oldest and last <= first
