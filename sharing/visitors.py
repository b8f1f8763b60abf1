"""Who is counted. Nothing of a reader is stored: a keyed hash lives for a day in a server without a disk."""

import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID, uuid4

from crawlerdetect import CrawlerDetect
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from sharing import actions, filtered, valkey
from sharing.filtered import Reason
from sharing.models import ShareClass
from sharing.stream import Event

# Preview fetchers and robots that crawlerdetect 0.4.2 does not know (tried November 2026).
_MORE_ROBOTS = re.compile(
    r"gotosocial|misskey|hollo|lemmy|friendica|cardyb|meta-externalagent", re.IGNORECASE
)
# What is remembered of a day is forgotten so long after it, in seconds: clocks may differ by as much.
_AFTER_THE_DAY = 3600
# A server keeps a small hash as one list, which has no room to waste: up to 128 entries in Redis, 512 in
# Valkey 9. A million visitors a day are some 31 in each of these.
_BUCKETS = 1 << 15
# A process keeps the salt of the day for so long, in seconds, and asks again: whoever empties the server has
# a new salt everywhere after it.
_SALT_KEPT = 10.0
# So many user agents are told apart without asking a thousand patterns again.
_AGENTS_KEPT = 2048
_LONGEST_AGENT = 1000

_PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ")


def record(
    request: HttpRequest,
    target_id: int,
    channel: str,
    share_class: ShareClass,
    *,
    event_id: UUID | None = None,
    occurred_at: datetime | None = None,
    patience: valkey.Patience | None = None,
) -> None:
    """Accept an event from a reader's request, unless it is none or a repeat.

    `event_id` is the sender's own where it may send again, `occurred_at` where it comes late; `patience` is what the request has left for
    waiting, by default all of it. Raises a database error where neither
    Valkey nor the database could take the event.
    """
    if filtered.objects(request):
        return
    patience = patience or valkey.Patience()
    reason = why_uncounted(request, share_class)
    if reason is not None:
        filtered.note(request, reason, patience)
        return
    event = Event(
        event_id=event_id or uuid4(),
        target_id=target_id,
        channel=channel,
        share_class=share_class,
        occurred_at=occurred_at or timezone.now(),
    )
    if is_first_today(request, event, patience):
        actions.accept(event=event, patience=patience)
    else:
        filtered.note(request, Reason.REPEAT, patience)


def why_uncounted(request: HttpRequest, share_class: ShareClass) -> Reason | None:
    """Return why this request is no reader's share, or None where it is one.

    A repeat is told later; whose request objects is not asked.
    """
    meta = request.META
    if request.method not in {"GET", "POST"}:
        return Reason.METHOD
    purpose = " ".join(str(meta.get(name, "")) for name in _PURPOSES)
    if "prefetch" in purpose or "prerender" in purpose or "preview" in purpose:
        return Reason.PREFETCH
    if request.method == "GET" and not _is_navigation(request, share_class):
        return Reason.EMBEDDED
    if is_robot(meta.get("HTTP_USER_AGENT", "")):
        return Reason.ROBOT
    # Readers have no cookie, so only an editor's request ever asks for a session.
    if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
        return Reason.EDITOR
    return None


def _is_navigation(request: HttpRequest, share_class: ShareClass) -> bool:
    """Tell whether a reader went here; browsers that say nothing of it are believed.

    Another site's page can frame an address of ours or send its visitors there. Arrivals come from
    anywhere; an intent begins on a page of ours.
    """
    meta = request.META
    mode, destination = meta.get("HTTP_SEC_FETCH_MODE"), meta.get("HTTP_SEC_FETCH_DEST")
    if mode not in {None, "navigate"} or destination not in {None, "document"}:
        return False
    foreign = meta.get("HTTP_SEC_FETCH_SITE") in {"cross-site", "same-site"}
    return not (foreign and share_class is ShareClass.INTENT)


def is_robot(user_agent: str) -> bool:
    """Tell whether a user agent is a robot, a preview fetcher, or empty."""
    agent = user_agent.strip()[:_LONGEST_AGENT]
    return not agent or _is_robots(agent)


@lru_cache(_AGENTS_KEPT)
def _is_robots(agent: str) -> bool:
    if _MORE_ROBOTS.search(agent):
        return True
    return bool(CrawlerDetect(user_agent=agent).is_crawler())


def is_first_today(request: HttpRequest, event: Event, patience: valkey.Patience) -> bool:
    """Tell whether this visitor did not share this target this way today; remembers the visit.

    The same event again is no repeat: an accepted event whose answer was lost may be sent once more.
    A late event is compared with what arrived today of its own day, because the salt of that day is gone.
    Where the server is silent every visit is a first one.
    """
    server = valkey.volatile()
    try:
        salt = _salt_of_the_day(server, patience)
        words = (
            remote_address(request),
            str(request.META.get("HTTP_USER_AGENT", "")),
            str(event.target_id),
            event.channel,
            event.share_class.value,
            str(event.occurred_at.toordinal()),
        )
        tag = blake2b("\0".join(words).encode(), digest_size=10, key=salt.secret).digest()
        key = b"%b%d" % (salt.bucket_prefix, int.from_bytes(tag[:2]) % _BUCKETS)
        field = tag[2:]
        # Not the id itself: it is in the database too, where it would tell when a visitor came.
        mark = blake2b(event.event_id.bytes, digest_size=8, key=salt.secret).digest()
        is_new, _ = server.commands(
            ("HSETNX", key, field, mark),
            ("EXPIREAT", key, salt.forgotten_at),
            patience=patience,
        )
        return bool(is_new) or server.command("HGET", key, field, patience=patience) in {mark, None}
    except valkey.Silent:
        return True


def remote_address(request: HttpRequest) -> str:
    """Return the reader's address; behind our proxy, the one it saw."""
    if settings.TRUST_PROXY_HEADERS:
        forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR", ""))


@dataclass(frozen=True, slots=True)
class _Salt:
    """The salt of a day as one server has it, and until when (of time.monotonic()) it need not be asked."""

    server: valkey.Valkey
    # As date.toordinal() counts.
    day: int
    secret: bytes
    bucket_prefix: bytes
    # Seconds since 1970.
    forgotten_at: int
    until: float


# In the memory of the process, which is no more of a disk than the server's is.
_salt: _Salt | None = None


def _salt_of_the_day(server: valkey.Valkey, patience: valkey.Patience) -> _Salt:
    """Return the salt, which the first visitor of the day makes; raises Silent."""
    global _salt
    today = timezone.now()
    kept, now = _salt, time.monotonic()
    if (
        kept is not None
        and kept.server is server
        and kept.day == today.toordinal()
        and now < kept.until
    ):
        return kept
    day = f"{today:%Y-%m-%d}"
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    forgotten_at = int(midnight.timestamp()) + 24 * 3600 + _AFTER_THE_DAY
    key, secret = f"salt:{day}", secrets.token_bytes(32)
    seconds = forgotten_at - int(today.timestamp())
    # Two commands: one that sets and tells what was there needs Redis 7.
    if not server.command("SET", key, secret, "NX", "EX", seconds, patience=patience):
        there = server.command("GET", key, patience=patience)
        secret = there if isinstance(there, bytes) else secret
    _salt = _Salt(
        server=server,
        day=today.toordinal(),
        secret=secret,
        bucket_prefix=f"v:{day}:".encode(),
        forgotten_at=forgotten_at,
        until=now + _SALT_KEPT,
    )
    return _salt
