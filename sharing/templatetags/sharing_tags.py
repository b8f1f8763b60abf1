"""The share bar."""

from typing import Any
from uuid import UUID

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma

from sharing import card_files, offers, queries
from sharing.channels import QR
from sharing.links import ICONS, short_link, ways_to_share

register = template.Library()
register.filter("intcomma", intcomma)


def _identities(page: Any) -> dict[UUID | None, queries.Identity]:
    """Return the identities of a page and its sections, asked for once: its head and its body need them."""
    if not hasattr(page, "_share_identities"):
        page._share_identities = queries.identities(page.pk) if page.pk else {}
    found: dict[UUID | None, queries.Identity] = page._share_identities
    return found


@register.simple_tag
def share_codes(page: Any) -> dict[UUID | None, str]:
    """Return the share codes of an article and its sections by block id; None is the article."""
    return {block_id: identity.code for block_id, identity in _identities(page).items()}


@register.simple_tag
def share_card(page: Any, part: Any = None) -> str:
    """Return the absolute address of the card of an article, or of one part; empty until there is one."""
    if part and part.block_id is None:
        return ""
    identity = _identities(page).get(part.block_id if part else None)
    return card_files.url(identity.card) if identity and identity.card else ""


@register.simple_tag
def share_icons() -> tuple[str, ...]:
    """Return the names of the icons that there are."""
    return ICONS


@register.simple_tag
def article_code(codes: dict[UUID | None, str]) -> str:
    """Return the share code of the article itself; empty where it has none yet."""
    return codes.get(None, "")


@register.simple_tag
def qr_address(code: str) -> str:
    """Return the short link that the QR code of a share code holds."""
    return short_link(code, QR)


@register.inclusion_tag("sharing/share_bar.html", takes_context=True)
def share_bar(
    context: Any,
    codes: dict[UUID | None, str],
    page: Any,
    part: Any = None,
    style: str = "compact",
) -> dict[str, Any]:
    """Render the ways to share an article, or one part of it.

    `style`: "compact" (a bar), "quiet" (one section's), "generous" (the call at the end). A draft in
    preview has no code yet; its bar says so.
    """
    code = codes.get(part.block_id if part else None)
    bar = {
        "code": code,
        "article_code": article_code(codes),
        "title": part.title if part else page.title,
        "is_section": part is not None,
        "style": style,
    }
    if not code or style == "quiet":
        return bar
    offer = offers.offer_for(context.get("request"))
    visible = offer.generous if style == "generous" else offer.compact
    return (
        bar
        | ways_to_share(code, offer)
        | {
            "first": offer.networks[:visible],
            "more": offer.networks[visible:],
        }
    )
