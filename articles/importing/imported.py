"""What was understood of a source: an article's parts in order, each with the line it began on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from articles.blocks import CareLevel, HealthAspect
from articles.importing.rich_text import Passage, plain
from articles.importing.source import Note
from articles.outline import LONGEST_SLUG, is_reserved_slug, slug_from_heading

LONGEST_TITLE = 255
LONGEST_STANDFIRST = 300
LONGEST_CARD_HEADING = 150
LONGEST_SHARE_CALL = 120
LONGEST_CITATION = 500
LONGEST_IDENTIFIER = 100
LONGEST_CAPTION = 250
LONGEST_REVIEWER = 200

Passages = tuple[Passage, ...]


@dataclass(frozen=True)
class ImportedText:
    """Rich text within a section."""

    passages: Passages
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ImportedFigure:
    """A picture of the site's own, by its address; an empty `alt` marks it as decorative."""

    src: str
    alt: str = ""
    caption: str = ""
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ImportedReference:
    """One source of a section."""

    citation: str
    url: str = ""
    identifier: str = ""


@dataclass(frozen=True)
class ImportedSection:
    """A section; its heading is empty where it was lost."""

    heading: str = ""
    slug: str = ""
    aspect: str = ""  # a HealthAspect, or empty
    summary: str = ""
    body: tuple[ImportedText | ImportedFigure, ...] = ()
    references: tuple[ImportedReference, ...] = ()
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ImportedCareCard:
    """A care card."""

    level: CareLevel
    heading: str
    text: Passages
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ImportedCallout:
    """A callout; its heading may be empty."""

    heading: str
    text: Passages
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ImportedShareCall:
    """The invitation to share."""

    text: str
    line: int | None = field(default=None, compare=False)


ImportedBlock = ImportedSection | ImportedCareCard | ImportedCallout | ImportedShareCall


@dataclass(frozen=True)
class ImportedArticle:
    """An article as it was understood. Equal articles say and show the same; lines and notes aside."""

    title: str
    introduction: Passages = ()
    blocks: tuple[ImportedBlock, ...] = ()
    slug: str = ""
    standfirst: str = ""
    search_title: str = ""
    search_description: str = ""
    reviewed_on: date | None = None
    reviewed_by: str = ""
    line: int | None = field(default=None, compare=False)
    notes: tuple[Note, ...] = field(default=(), compare=False)

    @property
    def sections(self) -> list[ImportedSection]:
        """Return the sections in order."""
        return [block for block in self.blocks if isinstance(block, ImportedSection)]

    @property
    def suggested_slug(self) -> str:
        """Return the slug that the source names, else its title's; empty where it has no letter."""
        return self.slug or slug_from_heading(self.title)

    @property
    def word_count(self) -> int:
        """Return how many words a reader reads, title and headings included."""
        return len(self.title.split()) + sum(len(text.split()) for text in self.texts())

    def texts(self) -> Iterator[str]:
        """Yield all that a reader reads below the title, in order, as plain text."""
        yield self.standfirst
        yield plain(self.introduction)
        for block in self.blocks:
            if isinstance(block, ImportedSection):
                yield block.heading
                yield block.summary
                for child in block.body:
                    yield (
                        plain(child.passages) if isinstance(child, ImportedText) else child.caption
                    )
                for reference in block.references:
                    yield reference.citation
            elif isinstance(block, ImportedShareCall):
                yield block.text
            else:
                yield block.heading
                yield plain(block.text)


def free_slugs(sections: Sequence[ImportedSection]) -> list[str]:
    """Return a slug a section that the editor takes: unique and not reserved; empty without a heading."""
    taken: set[str] = set()
    free: list[str] = []
    for section in sections:
        wanted = section.slug or slug_from_heading(section.heading)
        slug = wanted
        if slug and is_reserved_slug(slug):
            wanted = slug = f"{slug}-section"
        number = 2
        while slug and slug in taken:
            slug = f"{wanted[: LONGEST_SLUG - 5]}-{number}"
            number += 1
        taken.add(slug)
        free.append(slug)
    return free


def aspect_named(words: str) -> str:
    """Return the health aspect with this label, or an empty string."""
    wanted = words.strip().casefold()
    return next((a.value for a in HealthAspect if str(a.label).casefold() == wanted), "")
