"""The share bar."""

from typing import Any
from uuid import UUID

from django import template

from sharing import card_files, card_queries, queries
from sharing.links import ICONS, ways_to_share

register = template.Library()


@register.simple_tag
def share_codes(page: Any) -> dict[UUID | None, str]:
    """Return the share codes of an article and its sections by block id; None is the article."""
    return queries.codes_by_block(page.pk) if page.pk else {}


@register.simple_tag
def share_card(page: Any, part: Any = None) -> str:
    """Return the absolute address of the card of an article, or of one part; empty until there is one."""
    block_id = part.block_id if part else None
    if not page.pk or (part and block_id is None):
        return ""
    digest = card_queries.made_card(page.pk, block_id)
    return card_files.url(digest) if digest else ""


@register.simple_tag
def share_icons() -> tuple[str, ...]:
    """Return the names of the icons that there are."""
    return ICONS


@register.inclusion_tag("sharing/share_bar.html")
def share_bar(
    codes: dict[UUID | None, str], page: Any, part: Any = None, style: str = "compact"
) -> dict[str, Any]:
    """Render the ways to share an article, or one part of it.

    `style`: "compact" (a bar), "quiet" (one section's), "generous" (the call at the end). A draft in
    preview has no code yet; its bar says so.
    """
    code = codes.get(part.block_id if part else None)
    return {
        "code": code,
        "title": part.title if part else page.title,
        "is_section": part is not None,
        "style": style,
        **ways_to_share(code),
    }
