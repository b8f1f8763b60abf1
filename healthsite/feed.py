"""What changed last, section by section, as an Atom feed (RFC 4287)."""

import re
from datetime import UTC, datetime
from uuid import UUID, uuid5

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.views.decorators.http import require_safe

from articles import freshness, queries
from articles.models import HomePage, Section
from articles.outline import shorten

ENTRIES = 50
_LONGEST_SUMMARY = 300
# No XML may hold them, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Feed(Atom1Feed):
    """Atom that tells when something last changed, and not when it was asked for."""

    def latest_post_date(self) -> datetime:
        """Return the newest entry's moment; a feed without one is as old as its front page."""
        newest: datetime = self.feed["newest"]
        return newest


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """Tell of the sections that changed last, each under an id that outlives its slug and its host."""
    freshness.keep(freshness.LISTS, freshness.ADDRESSES)
    home = queries.home_page()
    sections = list(queries.sections_changed_last(ENTRIES))
    url = f"{settings.SITE_URL}{reverse('feed')}"
    made = _Feed(
        title=f"{settings.SITE_NAME}: what changed",
        link=f"{settings.SITE_URL}/",
        description="",
        subtitle=_text(home.description) if home else None,
        language=settings.LANGUAGE_CODE,
        author_name=settings.SITE_NAME,
        feed_url=url,
        feed_guid=url,
        newest=_newest(home, sections),
    )
    for section in sections:
        made.add_item(
            title=_text(_title(section)),
            link=section.page.section_url(section.slug, request),
            # The library writes it as HTML.
            description=escape(_text(section.summary or shorten(section.text, _LONGEST_SUMMARY))),
            unique_id=entry_id(section.page_id, section.block_id),
            pubdate=section.first_published_at,
            updateddate=section.changed_at,
        )
    return HttpResponse(
        made.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8"
    )


def entry_id(page_id: int, block_id: UUID) -> str:
    """Return a section's id in the feed: of its page and block alone, for a copy repeats the block's."""
    return uuid5(block_id, str(page_id)).urn


def _title(section: Section) -> str:
    # A section without a heading is “Part 2 of ARTICLE” already.
    return f"{section.heading} – {section.page.title}" if section.heading else section.title


def _newest(home: HomePage | None, sections: list[Section]) -> datetime:
    if sections:
        return sections[0].changed_at
    published: datetime | None = home.last_published_at if home else None
    return published or datetime(1970, 1, 1, tzinfo=UTC)


def _text(text: str) -> str:
    return _NOT_XML.sub("", text)
