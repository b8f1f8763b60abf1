"""Between what was understood and the fields of an article page, both ways."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.conf import settings
from wagtail.documents import get_document_model
from wagtail.models import Page

from articles.blocks import CareLevel
from articles.importing.imported import (
    ImportedArticle,
    ImportedBlock,
    ImportedCallout,
    ImportedCareCard,
    ImportedFigure,
    ImportedReference,
    ImportedSection,
    ImportedShareCall,
    ImportedText,
    Passages,
    free_slugs,
)
from articles.importing.rich_text import html_from, passages
from articles.models import ArticlePage
from articles.outline import slug_from_heading


def draft_of(article: ImportedArticle, *, slug: str, pictures: Mapping[str, int]) -> ArticlePage:
    """Return an article page that is not saved; `pictures` gives the image ids of its figures."""
    slugs = iter(free_slugs(article.sections))
    body = []
    for block in article.blocks:
        section_slug = next(slugs) if isinstance(block, ImportedSection) else ""
        body.append(_stored(block, section_slug, pictures))
    return ArticlePage(
        title=article.title,
        slug=slug,
        seo_title=article.search_title,
        search_description=article.search_description,
        standfirst=article.standfirst,
        introduction=html_from(article.introduction),
        reviewed_on=article.reviewed_on,
        reviewed_by=article.reviewed_by,
        body=json.dumps(body),
        live=False,
    )


def _stored(block: ImportedBlock, slug: str, pictures: Mapping[str, int]) -> dict[str, Any]:
    value: dict[str, Any]
    if isinstance(block, ImportedSection):
        name = "section"
        value = {
            "heading": block.heading,
            "slug": slug,
            "aspect": block.aspect,
            "summary": block.summary,
            "body": [_stored_child(child, pictures) for child in block.body],
            # Without an id Wagtail takes the whole item for a value of the older format, and empties it.
            "references": [
                {
                    "type": "item",
                    "id": str(uuid4()),
                    "value": {
                        "citation": reference.citation,
                        "url": reference.url,
                        "identifier": reference.identifier,
                    },
                }
                for reference in block.references
            ],
        }
    elif isinstance(block, ImportedCareCard):
        name = "care_card"
        value = {
            "level": block.level.value,
            "heading": block.heading,
            "text": html_from(block.text),
        }
    elif isinstance(block, ImportedCallout):
        name, value = "callout", {"heading": block.heading, "text": html_from(block.text)}
    else:
        name, value = "share_call", {"text": block.text}
    return {"type": name, "id": str(uuid4()), "value": value}


def _stored_child(
    child: ImportedText | ImportedFigure, pictures: Mapping[str, int]
) -> dict[str, Any]:
    if isinstance(child, ImportedText):
        return {"type": "text", "id": str(uuid4()), "value": html_from(child.passages)}
    image = {
        "image": pictures[child.src],
        "alt_text": child.alt,
        "decorative": not child.alt,
    }
    return {
        "type": "image",
        "id": str(uuid4()),
        "value": {"image": image, "caption": child.caption},
    }


# The other way


def imported_from(page: ArticlePage) -> ImportedArticle:
    """Return a page as it is in memory, its links and pictures at absolute addresses."""
    links = _Links()
    return ImportedArticle(
        title=_line(page.title),
        introduction=links.passages(page.introduction),
        blocks=tuple(_read(child, links) for child in page.body),
        slug=page.slug,
        standfirst=page.standfirst.strip(),
        search_title=page.seo_title.strip(),
        search_description=page.search_description.strip(),
        reviewed_on=page.reviewed_on,
        reviewed_by=page.reviewed_by.strip(),
    )


def _read(child: Any, links: "_Links") -> ImportedBlock:
    value = child.value
    if child.block_type == "section":
        heading, slug = _line(value["heading"]), value["slug"]
        return ImportedSection(
            heading=heading,
            slug="" if slug == slug_from_heading(heading) else slug,
            aspect=value["aspect"] or "",
            summary="\n".join(filter(None, map(_line, value["summary"].splitlines()))),
            body=tuple(filter(None, (_read_child(part, links) for part in value["body"]))),
            references=tuple(
                ImportedReference(
                    _line(reference["citation"]),
                    reference["url"] or "",
                    _line(reference["identifier"] or ""),
                )
                for reference in value["references"]
            ),
        )
    if child.block_type == "share_call":
        return ImportedShareCall(_line(value["text"]))
    heading, text = _line(value["heading"] or ""), links.passages(value["text"].source)
    if child.block_type == "callout":
        return ImportedCallout(heading, text)
    return ImportedCareCard(CareLevel(value["level"]), heading, text)


def _read_child(part: Any, links: "_Links") -> ImportedText | ImportedFigure | None:
    if part.block_type == "text":
        text = links.passages(part.value.source)
        return ImportedText(text) if text else None
    image = part.value["image"]
    if image is None:
        return None
    return ImportedFigure(
        src=f"{settings.SITE_URL}{image.file.url}",
        alt="" if image.decorative else _line(image.contextual_alt_text or ""),
        caption=_line(part.value["caption"] or ""),
    )


def _line(text: str) -> str:
    return " ".join(text.split())


class _Links:
    """Finds the absolute addresses of the pages and documents that rich text points to."""

    def __init__(self) -> None:
        self._addresses: dict[tuple[str, str], str] = {}

    def passages(self, html: str) -> Passages:
        """Return the passages of stored rich text; a link that leads nowhere leaves its words."""
        return passages(html, self._address)

    def _address(self, attributes: Mapping[str, str]) -> str:
        kind = attributes.get("linktype", "")
        if not kind:
            return attributes.get("href", "")
        key = (kind, attributes.get("id", ""))
        if key not in self._addresses:
            self._addresses[key] = _stored_address(*key)
        return self._addresses[key]


def _stored_address(kind: str, pk: str) -> str:
    if not pk.isdecimal():
        return ""
    if kind == "page":
        page = Page.objects.filter(pk=pk).specific().first()
        return (page.full_url or "") if page else ""
    if kind == "document":
        document = get_document_model().objects.filter(pk=pk).first()
        return f"{settings.SITE_URL}{document.url}" if document else ""
    return ""
