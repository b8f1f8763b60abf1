"""Which of the pictures that an import names are this site's own."""

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from django.conf import settings
from wagtail.images import get_image_model

from articles.importing.imported import (
    ImportedArticle,
    ImportedBlock,
    ImportedFigure,
    ImportedSection,
    ImportedText,
)
from articles.importing.rich_text import paragraph
from articles.importing.source import Note


def known_pictures(article: ImportedArticle) -> dict[str, int]:
    """Return the image id of each picture of the article that this site has, by address, with one query."""
    names = {figure.src: _file_name(figure.src) for figure in _figures(article.blocks)}
    wanted = {name for name in names.values() if name}
    if not wanted:
        return {}
    ids = dict(get_image_model().objects.filter(file__in=wanted).values_list("file", "pk"))
    return {src: ids[name] for src, name in names.items() if name in ids}


def with_known_pictures_only(article: ImportedArticle) -> ImportedArticle:
    """Return the article with the words of pictures in place of those that this site has not."""
    known = known_pictures(article)
    notes: list[Note] = []

    def settled(block: ImportedBlock) -> ImportedBlock:
        if not isinstance(block, ImportedSection):
            return block
        body: list[ImportedText | ImportedFigure] = []
        for child in block.body:
            if not isinstance(child, ImportedFigure) or child.src in known:
                body.append(child)
                continue
            sentence = (
                "This picture is none of this site's, its words stay. "
                f"Add it in the editor: {child.src[:200]}"
            )
            notes.append(Note(child.line, sentence))
            words = [paragraph(text) for text in (child.alt, child.caption) if text.strip()]
            if words:
                body.append(ImportedText(tuple(words), child.line))
        return replace(block, body=tuple(body))

    blocks = tuple(settled(block) for block in article.blocks)
    if not notes:
        return article
    ordered = tuple(sorted((*article.notes, *notes), key=lambda note: note.line or 0))
    return replace(article, blocks=blocks, notes=ordered)


def _figures(blocks: Iterable[ImportedBlock]) -> Iterable[ImportedFigure]:
    for block in blocks:
        if isinstance(block, ImportedSection):
            for child in block.body:
                if isinstance(child, ImportedFigure):
                    yield child


def _file_name(src: str) -> str:
    """Return the stored name of a file of this site's, or an empty string."""
    try:
        parts = urlsplit(src)
    except ValueError:
        return ""
    site = urlsplit(settings.SITE_URL)
    if parts.netloc not in {"", site.netloc} or not parts.path.startswith(settings.MEDIA_URL):
        return ""
    return unquote(parts.path.removeprefix(settings.MEDIA_URL))
