"""What templates need to lay an article out."""

import re
from collections.abc import Iterable
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import urljoin

from django import template
from django.conf import settings
from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe

from articles.checks import Finding, findings
from articles.models import ArticlePage
from articles.outline import Part

register = template.Library()

_INDENT = re.compile(r"\n\s+")
# Attributes as Wagtail writes them, in double quotes, which may hold a “>”.
_LINK_TAG = re.compile(r'<a\b(?P<attributes>(?:[^<>"]++|"[^"]*+")*+)>|</a>')
_HREF = re.compile(r'\shref="([^"]*)"')
_HEADING = re.compile(r"(</?h)([34])(?=[\s>])")


@register.simple_tag
def body_flow(body: Iterable[Any], parts: Iterable[Part]) -> list[tuple[Any, Part | None]]:
    """Return a body's blocks in order, each section's with its part of the outline."""
    remaining = iter(parts)
    return [(block, next(remaining) if block.block_type == "section" else None) for block in body]


@register.simple_tag
def is_article(page: Any) -> bool:
    """Tell whether a page is an article."""
    return isinstance(page, ArticlePage)


@register.simple_tag
def to_mend(page: ArticlePage) -> list[Finding]:
    """Return what editors should mend in an article as it is in memory."""
    return findings(page)


@register.simple_tag
def changed_at(page: Any, part: Part) -> datetime | None:
    """Return when a published section's content last changed; None before it is published."""
    if not page.pk:
        return None
    rows = page.sections.filter(block_id=part.block_id, live=True)
    moment: datetime | None = rows.values_list("changed_at", flat=True).first()
    return moment


@register.filter
def raise_headings(rich_text: Any) -> SafeString:
    """Return rich text with its headings one level up, for a page whose h1 is the section's."""
    html = _HEADING.sub(lambda found: f"{found[1]}{int(found[2]) - 1}", str(rich_text))
    # Rich text is cleaned when it is saved; only the heading levels differ.
    return mark_safe(html)  # noqa: S308


@register.filter
def spell_out_links(html: str) -> SafeString:
    """Return HTML with each link's whole address in words behind it, for paper, where nobody can click.

    A link within the page, and one whose words are its address, stay as they are.
    """
    spelled: list[str] = []
    opened: tuple[str, int] | None = None  # a link's address, and where its words begin
    done = 0
    for tag in _LINK_TAG.finditer(html):
        if tag["attributes"] is not None:
            href = _HREF.search(tag["attributes"])
            opened = (unescape(href[1]).strip(), tag.end()) if href else None
        elif opened is not None:
            address = _in_words(opened[0])
            words = unescape(strip_tags(html[opened[1] : tag.start()])).strip()
            if address and address != words:
                # What comes from outside is escaped; the rest was safe before.
                spelled.append(html[done : tag.end()])
                spelled.append(f' <span class="address">({escape(address)})</span>')
                done = tag.end()
            opened = None
    return mark_safe("".join([*spelled, html[done:]]))  # noqa: S308


def _in_words(href: str) -> str:
    """Return an address as one types it: whole, or empty for a place on the same page."""
    if not href or href.startswith("#"):
        return ""
    scheme, _, rest = href.partition(":")
    if scheme.lower() in {"mailto", "tel"}:
        return rest
    try:
        return urljoin(f"{settings.SITE_URL}/", href)
    except ValueError:
        # Such as “https://[” – no address, but what the editor wrote.
        return href


@register.filter
def without_indent(html: str) -> str:
    """Return HTML without empty lines and indentation; every line break stays one.

    Templates are indented for their readers; on the way to a phone that is a tenth of the page. Not for
    `pre` and `textarea`, which our pages do not use.
    """
    return _INDENT.sub("\n", html)
