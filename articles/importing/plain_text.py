"""Read an article from plain text: what stands between blank lines, and how many of them there are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from articles.importing.imported import (
    LONGEST_SHARE_CALL,
    LONGEST_TITLE,
    ImportedArticle,
    ImportedBlock,
    ImportedSection,
    ImportedShareCall,
    ImportedText,
    Passages,
)
from articles.importing.rich_text import Kind, Passage, Run, tidy
from articles.importing.source import ImportRefused, Note, Source

LONGEST_HEADING_LINE = 100
# So many blank lines before a paragraph say that a section begins.
SECTION_GAP = 2
_NO_HEADING_END = (".", ",", ";", ":", "!", "…")
_BULLET = re.compile(r"[ \t]*[-*•][ \t]+(?=\S)")
_NUMBER = re.compile(r"[ \t]*(\d{1,3})[.)][ \t]+(?=\S)")
_SHARE_WORDS = re.compile(
    r"\b(share|sharing|pass (it|this) on|spread the word|tell (a friend|your friends))\b", re.I
)
_NO_CALL = re.compile(r"\b(never|avoid|do not|don['’]t|must not|should not)\b", re.I)


@dataclass(frozen=True)
class _Chunk:
    """Lines between blank ones."""

    lines: tuple[str, ...]
    line: int
    gap: int  # blank lines before it

    @property
    def may_be_heading(self) -> bool:
        """Tell whether it is one short line without a final full stop."""
        text = self.lines[0].strip()
        return (
            len(self.lines) == 1
            and len(text) <= LONGEST_HEADING_LINE
            and not text.endswith(_NO_HEADING_END)
            and not _BULLET.match(text)
            and any(character.isalnum() for character in text)
        )


def read_plain_text(source: Source) -> ImportedArticle:
    """Return the article that a text tells; raises ImportRefused without a title or a text."""
    chunks = _chunks(source.text)
    title, rest = _title(chunks)
    if not rest:
        raise ImportRefused(
            "There is a title, but no text under it. An article needs at least a paragraph.",
            chunks[0].line,
        )
    notes = list(source.notes)
    share_call = None
    if len(rest) > 1 and is_share_call(rest[-1].lines):
        last = rest.pop()
        share_call = ImportedShareCall(" ".join(last.lines[0].split()), last.line)
        notes.append(Note(last.line, f"“{share_call.text}” was taken as the call to share."))
    introduction, sections = _sections(rest, notes)
    blocks: list[ImportedBlock] = [*sections]
    if share_call:
        blocks.append(share_call)
    return ImportedArticle(
        title=title,
        introduction=introduction,
        blocks=tuple(blocks),
        line=chunks[0].line,
        notes=tuple(sorted(notes, key=lambda note: note.line or 0)),
    )


def is_share_call(lines: Sequence[str]) -> bool:
    """Tell whether a last paragraph, as its lines, is an invitation to share."""
    text = lines[0].strip()
    return (
        len(lines) == 1
        and len(text) <= LONGEST_SHARE_CALL
        and _SHARE_WORDS.search(text) is not None
        and _NO_CALL.search(text) is None
    )


def _chunks(text: str) -> list[_Chunk]:
    found: list[_Chunk] = []
    lines: list[str] = []
    begin = gap = 0
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.strip():
            if not lines:
                begin = number
            lines.append(line.rstrip())
            continue
        if lines:
            found.append(_Chunk(tuple(lines), begin, gap))
            lines, gap = [], 0
        gap += 1
    return found


def _title(chunks: list[_Chunk]) -> tuple[str, list[_Chunk]]:
    first = chunks[0]
    title = " ".join(first.lines[0].split())
    if len(title) > LONGEST_TITLE:
        raise ImportRefused(
            f"There is no title: the first line has {len(title):,} characters, and a title has at "
            f"most {LONGEST_TITLE}.",
            first.line,
        )
    if not any(character.isalnum() for character in title):
        raise ImportRefused("There is no title: the first line has no letter in it.", first.line)
    below = first.lines[1:]
    rest = chunks[1:]
    return title, [_Chunk(below, first.line + 1, 0), *rest] if below else rest


def _sections(
    chunks: Sequence[_Chunk], notes: list[Note]
) -> tuple[Passages, list[ImportedSection]]:
    introduction: list[Passage] = []
    sections: list[ImportedSection] = []
    heading: tuple[str, int] | None = None  # found, and nothing under it yet
    passages: list[Passage] = introduction
    begin = 0

    def close() -> None:
        if passages is introduction:
            return
        text, line = heading or ("", begin)
        body = (ImportedText(tuple(passages), begin),) if passages else ()
        sections.append(ImportedSection(heading=text, body=body, line=line))

    for index, chunk in enumerate(chunks):
        is_last = index == len(chunks) - 1
        # What nothing follows is the heading of nothing.
        if chunk.may_be_heading and not is_last and chunk.gap:
            close()
            heading, passages = (" ".join(chunk.lines[0].split()), chunk.line), []
            begin = chunk.line
            continue
        follows_heading = heading is not None and not passages
        if chunk.gap >= SECTION_GAP and not follows_heading:
            close()
            heading, passages, begin = None, [], chunk.line
        elif follows_heading:
            begin = chunk.line
        passages.extend(_passages(chunk))
        if len(chunk.lines) > 1 and not any(map(_BULLET.match, chunk.lines)):
            notes.append(Note(chunk.line, f"{len(chunk.lines)} lines were joined to a paragraph."))
    close()
    return tuple(introduction), sections


def _passages(chunk: _Chunk) -> list[Passage]:
    """Return a chunk's paragraphs and list items; lines that a program wrapped are joined."""
    found: list[Passage] = []
    words: list[str] = []
    kind = Kind.PARAGRAPH
    numbered = _numbered(chunk.lines)

    def close() -> None:
        if words:
            found.append(Passage(kind, tidy([Run(" ".join(words))])))

    for index, line in enumerate(chunk.lines):
        item = _NUMBER.match(line) if index in numbered else _BULLET.match(line)
        if item:
            close()
            words = [_words(line[item.end() :])]
            kind = Kind.NUMBER if index in numbered else Kind.BULLET
        elif kind != Kind.PARAGRAPH and not line[:1].isspace():
            close()
            words, kind = [_words(line)], Kind.PARAGRAPH
        else:
            words.append(_words(line))
    close()
    return found


def _numbered(lines: Sequence[str]) -> set[int]:
    """Return which lines are items 1, 2, 3 … of a list; “1999. A good year” alone is none."""
    items: list[int] = []
    for index, line in enumerate(lines):
        match = _NUMBER.match(line)
        if match and int(match[1]) == len(items) + 1:
            items.append(index)
    return set(items) if len(items) > 1 else set()


def _words(line: str) -> str:
    return re.sub(r"[ \t]+", " ", line.strip())
