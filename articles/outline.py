"""An article's sections in order, as its body tells them: plain values, no database.

The page, the preview, the section rows and the API all read this one outline, so they cannot differ.
"""

import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.html import strip_tags
from django.utils.text import slugify

LONGEST_SLUG = 80
LONGEST_HEADING = 150
LONGEST_SUMMARY = 200
# The site's own pages below an article, now and to come.
RESERVED_SLUGS = frozenset({"cite", "edit", "feed", "preview", "print", "qr", "share"})
_PART = re.compile(r"part-\d+")
_BLOCK_END = re.compile(r"</(p|li|h[1-6])>|<br\s*/?>")


@dataclass(frozen=True)
class Part:
    """One section of an article."""

    block_id: UUID | None  # None only in a preview of a block that was never saved
    position: int  # from 1
    slug: str  # unique within the article
    heading: str  # may be empty
    article_title: str
    aspect: str
    summary: str
    body: Any  # the StreamValue of the block's body
    references: Sequence[Mapping[str, str]]
    text: str  # plain, for listings and search
    content_hash: str  # of all that a reader reads here; not of slug and position

    @property
    def title(self) -> str:
        """Return the heading, or the words that stand in for a missing one."""
        return self.heading or f"Part {self.position} of {self.article_title}"

    @property
    def short_title(self) -> str:
        """Return the heading, or “Part N” where the article is named beside it."""
        return self.heading or f"Part {self.position}"

    @property
    def description(self) -> str:
        """Return one sentence for search engines and networks."""
        return self.summary or shorten(self.text, 155)


def outline(title: str, stream: Iterable[Any]) -> list[Part]:
    """Return the sections of an article's body (a StreamValue of ArticleBody), in order."""
    sections = [child for child in stream if child.block_type == "section"]
    slugs = section_slugs([child.value for child in sections])
    return [
        _part(child, position, slug, title)
        for position, (child, slug) in enumerate(zip(sections, slugs, strict=True), 1)
    ]


def section_slugs(values: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one unique slug a section: its own, else its heading's, else `part-N`.

    The editor refuses duplicates; text that came another way gets `-2`, `-3` … on the later ones.
    """
    wanted = [
        (value["slug"] or slug_from_heading(value["heading"]) or f"part-{position}")[:LONGEST_SLUG]
        for position, value in enumerate(values, 1)
    ]
    taken = set(wanted) | RESERVED_SLUGS
    unique: list[str] = []
    for slug in wanted:
        free = slug
        number = 2
        while free in unique or free in RESERVED_SLUGS or (free != slug and free in taken):
            free = f"{slug[: LONGEST_SLUG - 5]}-{number}"
            number += 1
        unique.append(free)
    return unique


def slug_from_heading(heading: str) -> str:
    """Return the slug that a heading suggests; empty where it has no letter or number."""
    return slugify(heading, allow_unicode=True)[:LONGEST_SLUG].strip("-_")


def is_reserved_slug(slug: str) -> bool:
    """Tell whether a section may not have this slug: a page of the site's, or a `part-N`."""
    return slug in RESERVED_SLUGS or _PART.fullmatch(slug) is not None


def plain_text(rich_text: str) -> str:
    """Return the words of rich text, one space between them; no markup, not escaped."""
    return " ".join(html.unescape(strip_tags(_BLOCK_END.sub(" ", rich_text))).split())


def shorten(text: str, limit: int) -> str:
    """Return text of at most `limit` characters, cut at a word, with an ellipsis where cut."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(",;:. ") + "…"


def _part(child: Any, position: int, slug: str, title: str) -> Part:
    value = child.value
    words = [value["heading"], value["summary"]]
    for block in value["body"]:
        if block.block_type == "text":
            words.append(plain_text(block.value.source))
        else:
            words.append(block.value["caption"])
    return Part(
        block_id=UUID(child.id) if child.id else None,
        position=position,
        slug=slug,
        # The editor keeps both short; a row must hold what came another way too.
        heading=shorten(value["heading"], LONGEST_HEADING),
        article_title=title,
        aspect=value["aspect"] or "",
        summary=shorten(value["summary"], LONGEST_SUMMARY),
        body=value["body"],
        references=[dict(reference) for reference in value["references"]],
        text=" ".join(word for word in words[2:] if word),
        content_hash=_content_hash(child),
    )


def _content_hash(child: Any) -> str:
    prepared = dict(child.block.get_prep_value(child.value))
    prepared.pop("slug")
    prepared = _without_ids(prepared)
    canonical = json.dumps(prepared, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_ids(value: Any) -> Any:
    """Return a prepared value without the ids of nested blocks, which no reader sees."""
    if isinstance(value, dict):
        return {
            key: _without_ids(item)
            for key, item in value.items()
            if not (key == "id" and "type" in value and "value" in value)
        }
    if isinstance(value, list):
        return [_without_ids(item) for item in value]
    return value
