"""The sitemap as XML: an index at /sitemap.xml, and the files that it names (sitemaps.org, protocol 0.9)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from xml.sax.saxutils import escape

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from articles import freshness, sitemap

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Name every file of the sitemap, with when it last changed."""
    freshness.keep(sitemap.INDEX)
    # Made for each file, `reverse` takes most of the time.
    before, _, after = f"{settings.SITE_URL}{address_of(0)}".rpartition("0")
    entries = (
        (f"{before}{number}{f'-{page}' if page > 1 else ''}{after}", changed_at)
        for number, page, changed_at in sitemap.files()
    )
    return _answer("sitemapindex", _entries("sitemap", entries))


@require_safe
def part(request: HttpRequest, number: str, page: str = "1") -> HttpResponse:
    """Name the published pages in one file, with their sections; 404 where nothing in it is published."""
    freshness.keep(sitemap.name_of(int(number)))
    found = sitemap.addresses(number=int(number), page=int(page))
    if not found:
        raise Http404(f"No part {number}, {page} of the sitemap")
    return _answer("urlset", _entries("url", found))


def address_of(number: int, page: int = 1) -> str:
    """Return the path of one file."""
    if page == 1:
        return reverse("sitemap_part", args=[number])
    return reverse("sitemap_part_page", args=[number, page])


def _entries(tag: str, found: Iterable[tuple[str, datetime | None]]) -> Iterator[str]:
    for url, changed_at in found:
        when = f"<lastmod>{changed_at.isoformat('T', 'seconds')}</lastmod>" if changed_at else ""
        yield f"<{tag}><loc>{escape(url)}</loc>{when}</{tag}>\n"


def _answer(root: str, entries: Iterator[str]) -> HttpResponse:
    xml = f'{_HEAD}<{root} xmlns="{_NAMESPACE}">\n{"".join(entries)}</{root}>\n'
    return HttpResponse(xml, content_type="application/xml; charset=utf-8")
