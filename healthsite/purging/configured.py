"""The caches in front, as Wagtail's setting WAGTAILFRONTENDCACHE tells them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def backends(*, urls: Sequence[str], zone: str, token: str) -> dict[str, Any]:
    """Return the setting: one entry a cache that takes PURGE requests, one for a Cloudflare zone.

    Raises ImproperlyConfigured where an address is none, or a zone lacks its token.
    """
    found: dict[str, Any] = {}
    for number, url in enumerate(urls, 1):
        _refuse_what_is_no_origin(url)
        found[f"purge {number}"] = {
            "BACKEND": "healthsite.purging.backends.PurgeRequests",
            "LOCATION": url.rstrip("/"),
        }
    if bool(zone) != bool(token):
        raise ImproperlyConfigured("Set both CLOUDFLARE_ZONE and CLOUDFLARE_TOKEN, or neither.")
    if zone:
        found["cloudflare"] = {
            "BACKEND": "healthsite.purging.backends.Cloudflare",
            "ZONEID": zone,
            "BEARER_TOKEN": token,
        }
    return found


def _refuse_what_is_no_origin(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_origin = (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
            and parts.path in {"", "/"}
            and not (parts.query or parts.fragment or "@" in parts.netloc)
        )
    except ValueError:
        is_origin = False
    if not is_origin:
        raise ImproperlyConfigured(
            f"PURGE_URLS takes addresses such as http://varnish:6081, not {url!r}."
        )
