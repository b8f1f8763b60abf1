"""Absolute addresses of pages, and what may be asked of them."""

from http import HTTPMethod
from typing import Any

from django.conf import settings

# Pages are read; Wagtail's own answer a PUT or DELETE as if it were a GET.
READING = [HTTPMethod.GET, HTTPMethod.HEAD, HTTPMethod.OPTIONS]


class OnSiteUrl:
    """Put a page's absolute address below SITE_URL.

    Wagtail derives the origin from its Site row, which cannot say https on a port of its own.
    """

    def get_url_parts(
        self, request: Any = None
    ) -> tuple[int | None, str | None, str | None] | None:
        """Return (site id, SITE_URL, path), or what Wagtail says of a page without an address."""
        parts: tuple[int | None, str | None, str | None] | None = super().get_url_parts(request)  # type: ignore[misc]  # a mixin of Page
        if parts is None or parts[2] is None:
            return parts
        return parts[0], settings.SITE_URL, parts[2]
