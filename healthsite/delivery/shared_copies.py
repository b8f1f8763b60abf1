"""Copies of kept answers in the cache server, for the other processes of this host and the next start."""

import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings

from articles.freshness import slots
from healthsite.delivery.answers import Kept, unpacked
from healthsite.paths import PROJECT_ROOT
from sharing import valkey

logger = logging.getLogger(__name__)

# Host, path and query.
Key = tuple[str, str, str]

# As long as a last good page may be shown.
LONGEST = 24 * 3600
_LARGEST = 2_000_000
# What decides how a page and its headers look, besides code and templates.
_SETTINGS = (
    "DEBUG",
    "LANGUAGE_CODE",
    "MEDIA_URL",
    "SHARE_COUNT_MIN",
    "SITE_NAME",
    "SITE_URL",
    "TIME_ZONE",
    "TRUST_PROXY_HEADERS",
)


def get(key: Key) -> tuple[Kept, bool] | None:
    """Return the copy of an answer and whether it holds; None where there is none, or no server."""
    try:
        packed = valkey.volatile().ask(lambda client: client.get(_name(key)))
    except valkey.Silent:
        return None
    if not isinstance(packed, bytes):
        return None
    try:
        return unpacked(packed)
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.warning("A copy in the cache server could not be read; it is made anew.")
        return None


def put(key: Key, kept: Kept) -> None:
    """Copy an answer."""
    packed = kept.packed()
    if len(packed) > _LARGEST:
        return
    seconds = LONGEST if kept.until is None else max(kept.until - time.monotonic(), 0.001)
    with contextlib.suppress(valkey.Silent):
        valkey.volatile().ask(
            lambda client: client.set(_name(key), packed, px=int(1000 * seconds) or 1)
        )


def drop(key: Key) -> None:
    """Delete a copy."""
    with contextlib.suppress(valkey.Silent):
        valkey.volatile().ask(lambda client: client.delete(_name(key)))


def _name(key: Key) -> str:
    digest = hashlib.blake2b("\n".join(key).encode(errors="surrogateescape"), digest_size=16)
    # The epoch: another host's stamps, or those of a lost file, mean nothing here.
    return f"delivered:{slots().epoch:x}:{version()}:{digest.hexdigest()}"


@cache
def version() -> str:
    """Return a digest of all that a page looks like because of code, templates, assets and settings.

    Old and new code that run side by side keep their copies apart.
    """
    digest = hashlib.blake2b(digest_size=8)
    for file in _sources():
        digest.update(str(file).encode())
        digest.update(file.read_bytes())
    digest.update(json.dumps([str(getattr(settings, name)) for name in _SETTINGS]).encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for app in ("articles", "healthsite", "sharing"):
        for pattern in ("*.py", "*.html", "*.svg"):
            yield from sorted((PROJECT_ROOT / app).rglob(pattern))
    yield PROJECT_ROOT / "requirements.lock"
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if manifest.is_file():
        yield manifest
