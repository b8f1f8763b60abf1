"""Read an article from Markdown: CommonMark, with boxes (`> [!note] …`) for what it has no sign for.

What an article cannot hold (tables, pictures from elsewhere, code, quotations) stays as words, and a note
says so.
"""

import re
from dataclasses import dataclass, field, replace

from markdown_it.token import Token

from articles.blocks import CareLevel
from articles.importing import details, front_matter
from articles.importing.commonmark import Document
from articles.importing.imported import (
    LONGEST_CAPTION,
    LONGEST_CARD_HEADING,
    LONGEST_SHARE_CALL,
    LONGEST_TITLE,
    ImportedArticle,
    ImportedBlock,
    ImportedCallout,
    ImportedCareCard,
    ImportedFigure,
    ImportedReference,
    ImportedSection,
    ImportedShareCall,
    ImportedText,
    aspect_named,
)
from articles.importing.plain_text import is_share_call
from articles.importing.references import references_in
from articles.importing.rich_text import Kind, Passage, paragraph, without_headings
from articles.importing.source import ImportRefused, Note, Source
from articles.outline import LONGEST_HEADING, LONGEST_SLUG, LONGEST_SUMMARY, is_reserved_slug

BOXES = {*(level.value for level in CareLevel), "note", "share", "summary", "aspect", "references"}
_BOX = re.compile(r"\[!(?P<name>[A-Za-z-]+)\](?:[ \t]+(?P<rest>.*))?")
_SLUG_MARK = re.compile(r"(?P<heading>.*?)[ \t]*(?<!\\)\{#(?P<slug>[-\w]+)\}[ \t]*", re.DOTALL)


def read_markdown(source: Source) -> ImportedArticle:
    """Return the article that Markdown tells; raises ImportRefused without a title or a text."""
    return _Reading(source).article()


@dataclass
class _OpenSection:
    heading: str
    slug: str
    line: int
    aspect: str = ""
    summary: str = ""
    body: list[ImportedText | ImportedFigure] = field(default_factory=list)
    references: list[ImportedReference] = field(default_factory=list)


class _Reading:
    """One pass over a file's blocks, in order."""

    def __init__(self, source: Source) -> None:
        self._notes = list(source.notes)
        self._entries, text, above = front_matter.split(source.text)
        self._document = Document(text, above=above, notes=self._notes)
        self._title = ""
        self._title_line: int | None = None
        self._introduction: list[Passage] = []
        self._blocks: list[ImportedBlock] = []
        self._section: _OpenSection | None = None
        self._pending: list[Token] = []

    def article(self) -> ImportedArticle:
        """Return what was understood."""
        said = details.read(self._entries, is_titled=self._has_title_line())
        self._notes += said.notes
        self._title_line = said.title_line
        for tokens in self._document.blocks():
            self._take(tokens)
        self._close_section()
        title = self._title or said.fields.get("title", "")
        if not title:
            raise ImportRefused(
                "There is no title: no line begins with “# ”. If this is not Markdown, "
                "import it as plain text.",
                1,
            )
        if len(title) > LONGEST_TITLE:
            raise ImportRefused(
                f"The title has {len(title):,} characters, and a title has at most {LONGEST_TITLE}.",
                self._title_line,
            )
        if not self._entries:
            self._find_share_call()
        article = ImportedArticle(
            title=title,
            introduction=(*self._introduction, *said.left_over),
            blocks=tuple(self._blocks),
            slug=said.fields.get("slug", ""),
            standfirst=said.fields.get("standfirst", ""),
            search_title=said.fields.get("search title", ""),
            search_description=said.fields.get("search description", ""),
            reviewed_on=said.reviewed_on,
            reviewed_by=said.fields.get("reviewed by", ""),
            line=self._title_line,
            notes=tuple(dict.fromkeys(sorted(self._notes, key=lambda note: note.line or 0))),
        )
        if not any(text.strip() for text in article.texts()) and not article.blocks:
            raise ImportRefused(
                "There is a title, but no text under it. An article needs at least a paragraph.",
                self._title_line,
            )
        return article

    def _has_title_line(self) -> bool:
        tokens = self._document.tokens
        return any(t.type == "heading_open" and t.tag == "h1" and not t.level for t in tokens)

    # Blocks

    def _take(self, tokens: list[Token]) -> None:
        first = tokens[0]
        if first.type == "heading_open" and first.tag == "h1" and not self._title:
            self._take_title(tokens)
        elif first.type == "heading_open" and first.tag in {"h1", "h2"}:
            self._begin_section(tokens)
        elif first.type == "blockquote_open":
            self._take_quotation(tokens)
        elif first.type == "hr":
            # Where one text block of the editor ends and the next begins.
            self._flush()
        elif self._section is not None and (image := _lone_image(tokens)):
            self._take_figure(image, tokens)
        else:
            self._pending.extend(tokens)

    def _take_title(self, tokens: list[Token]) -> None:
        self._flush()
        self._title_line = self._document.line(tokens[0])
        self._title = self._document.plain(tokens[1].content)
        if self._introduction or self._blocks or self._section:
            sentence = "What stands above the title was put below it."
            self._notes.append(Note(self._title_line, sentence))

    def _begin_section(self, tokens: list[Token]) -> None:
        line = self._document.line(tokens[0])
        if tokens[0].tag == "h1":
            sentence = "An article has one title; this heading begins a section."
            self._notes.append(Note(line, sentence))
        content, slug = tokens[1].content, ""
        match = _SLUG_MARK.fullmatch(content)
        if match and len(match["slug"]) <= LONGEST_SLUG and not is_reserved_slug(match["slug"]):
            content, slug = match["heading"], match["slug"].lower()
        self._close_section()
        heading = self._document.plain(content)
        self._section = _OpenSection(heading, slug, line)
        if len(heading) > LONGEST_HEADING:
            self._section.heading = ""
            self._section.body.append(ImportedText((paragraph(heading),), line))
            sentence = (
                f"This heading has {len(heading)} characters, more than {LONGEST_HEADING}: "
                "it was kept as the section's first paragraph."
            )
            self._notes.append(Note(line, sentence))

    def _take_figure(self, image: Token, tokens: list[Token]) -> None:
        caption = str(image.attrs.get("title", ""))
        if len(caption) > LONGEST_CAPTION:
            self._pending.extend(tokens)
            return
        self._flush()
        assert self._section is not None  # noqa: S101  # the caller asked
        figure = ImportedFigure(
            src=str(image.attrs.get("src", "")),
            alt=self._document.alt(image),
            caption=caption,
            line=self._document.line(tokens[0]),
        )
        self._section.body.append(figure)

    def _take_quotation(self, tokens: list[Token]) -> None:
        line = self._document.line(tokens[0])
        match = None
        if len(tokens) > 3 and tokens[1].type == "paragraph_open":
            first_line, _, below = tokens[2].content.partition("\n")
            match = _BOX.fullmatch(first_line)
        if match is None:
            self._notes.append(Note(line, "A quotation was kept as paragraphs."))
            self._pending.extend(tokens[1:-1])
            return
        inside = tokens[4:-1]
        if below.strip():
            words = self._document.inline(below, like=tokens[2])
            inside = [tokens[1], *words, tokens[3], *inside]
        if not self._take_box(match["name"].lower(), match["rest"] or "", inside, line):
            if match["name"].lower() in BOXES:
                sentence = f"The box “[!{match['name']}]” does not fit here: it was kept as text."
            else:
                sentence = f"A box “[!{match['name']}]” is not known: it was kept as text."
            self._notes.append(Note(line, sentence))
            self._pending.extend(tokens[1:-1])

    def _take_box(self, name: str, rest: str, inside: list[Token], line: int) -> bool:
        """Take what a box holds; return False where it is none of ours, or holds too much."""
        heading = self._document.plain(rest)
        if name in {"summary", "aspect"}:
            return self._take_detail(name, rest, inside)
        if name == "references":
            references = None if heading else references_in(self._document, inside)
            if self._section is None or references is None:
                return False
            self._flush()
            self._section.references.extend(references)
            return True
        if name == "share":
            if inside or not 0 < len(heading) <= LONGEST_SHARE_CALL:
                return False
            self._close_section()
            self._blocks.append(ImportedShareCall(heading, line))
            return True
        if name not in BOXES or len(heading) > LONGEST_CARD_HEADING:
            return False
        self._close_section()
        text = without_headings(self._document.passages(inside))
        if name == "note":
            self._blocks.append(ImportedCallout(heading, text, line))
        else:
            self._blocks.append(ImportedCareCard(CareLevel(name), heading, text, line))
        return True

    def _take_detail(self, name: str, rest: str, inside: list[Token]) -> bool:
        if self._section is None or self._section.body or self._pending:
            return False
        passages = self._document.passages(inside)
        if any(passage.kind != Kind.PARAGRAPH for passage in passages):
            return False
        words = "\n".join(filter(None, [self._document.plain(rest), *(p.text for p in passages)]))
        if name == "aspect":
            aspect = aspect_named(words)
            self._section.aspect = self._section.aspect or aspect
            return bool(aspect)
        if self._section.summary or not 0 < len(words) <= LONGEST_SUMMARY:
            return False
        self._section.summary = words
        return True

    # Text

    def _flush(self) -> None:
        """Put the paragraphs read so far where they belong."""
        tokens, self._pending = self._pending, []
        if not tokens:
            return
        line = self._document.line(tokens[0])
        passages = self._document.passages(tokens)
        if not passages:
            return
        if self._section is None and not self._blocks:
            if any(passage.kind in {Kind.HEADING, Kind.SUBHEADING} for passage in passages):
                sentence = "An introduction has no headings: they were kept as bold paragraphs."
                self._notes.append(Note(line, sentence))
            self._introduction.extend(without_headings(passages))
            return
        if self._section is None:
            sentence = "Text after a box begins a section of its own."
            self._notes.append(Note(line, sentence))
            self._section = _OpenSection("", "", line)
        self._section.body.append(ImportedText(passages, line))

    def _close_section(self) -> None:
        self._flush()
        if self._section is not None:
            section = self._section
            self._section = None
            self._blocks.append(
                ImportedSection(
                    heading=section.heading,
                    slug=section.slug,
                    aspect=section.aspect,
                    summary=section.summary,
                    body=tuple(section.body),
                    references=tuple(section.references),
                    line=section.line,
                )
            )

    def _find_share_call(self) -> None:
        """Take the last paragraph of a file from elsewhere as the call to share, if it is one."""
        last = self._blocks[-1] if self._blocks else None
        if not isinstance(last, ImportedSection) or not last.body or last.references:
            return
        text = last.body[-1]
        if not isinstance(text, ImportedText) or text.passages[-1].kind != Kind.PARAGRAPH:
            return
        words = text.passages[-1].text
        if not is_share_call(words.split("\n")):
            return
        line = self._document.last_line()
        left = (replace(text, passages=text.passages[:-1]),) if text.passages[:-1] else ()
        self._blocks[-1] = replace(last, body=(*last.body[:-1], *left))
        self._blocks.append(ImportedShareCall(words, line))
        self._notes.append(Note(line, f"“{words}” was taken as the call to share."))


def _lone_image(tokens: list[Token]) -> Token | None:
    """Return the picture that is all of a paragraph."""
    if len(tokens) != 3 or tokens[0].type != "paragraph_open":
        return None
    children = tokens[1].children or []
    return children[0] if len(children) == 1 and children[0].type == "image" else None
