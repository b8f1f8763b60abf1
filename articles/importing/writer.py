"""Write an article as Markdown that `markdown` reads back, word by word and part by part."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from articles.blocks import HealthAspect
from articles.importing import front_matter
from articles.importing.commonmark import passages_from_markdown
from articles.importing.imported import (
    ImportedArticle,
    ImportedBlock,
    ImportedCallout,
    ImportedFigure,
    ImportedReference,
    ImportedSection,
    ImportedShareCall,
    ImportedText,
    Passages,
)
from articles.importing.rich_text import LISTS, Kind, Passage, Run

_SPECIAL = re.compile(r"[\\`*_\[\]<>|]|&(?=[#\w])|\{(?=#)|!\Z")
_LINE_START = re.compile(r"^([#+\-=~:])", re.MULTILINE)
_NUMBER_START = re.compile(r"^(\d{1,9})([.)])", re.MULTILINE)
_PLAIN_ADDRESS = re.compile(r"[\w\-.~:/?#@!$'*+,;=%]+", re.ASCII)
_ADDRESS_SIGNS = re.compile(r"[<>]|&(?=[#\w])")
_BACKSLASHED = r"\\\g<0>"
_RULE = "---"


def write_markdown(article: ImportedArticle) -> str:
    """Return the article as a Markdown file's text."""
    top = front_matter.write(
        {
            "slug": article.slug,
            "standfirst": article.standfirst,
            "search title": article.search_title,
            "search description": article.search_description,
            "reviewed on": article.reviewed_on.isoformat() if article.reviewed_on else "",
            "reviewed by": article.reviewed_by,
        }
    )
    parts = [f"# {_heading(article.title)}", *_text(article.introduction)]
    for block in article.blocks:
        parts.extend(_block(block))
    return top + "\n\n".join(parts) + "\n"


def _block(block: ImportedBlock) -> Iterator[str]:
    if isinstance(block, ImportedSection):
        yield from _section(block)
    elif isinstance(block, ImportedShareCall):
        yield _box("share", block.text)
    elif isinstance(block, ImportedCallout):
        yield _box("note", block.heading, _text(block.text))
    else:
        yield _box(block.level.value, block.heading, _text(block.text))


def _section(section: ImportedSection) -> Iterator[str]:
    mark = f"{{#{section.slug}}}" if section.slug else ""
    yield " ".join(filter(None, ["##", _heading(section.heading), mark]))
    if section.summary:
        first, *others = section.summary.split("\n")
        yield _box("summary", first, map(_paragraph, others))
    if section.aspect:
        yield _box("aspect", str(HealthAspect(section.aspect).label))
    previous: ImportedText | ImportedFigure | None = None
    for child in section.body:
        if isinstance(child, ImportedFigure):
            title = re.sub(r'["\\]|&(?=[#\w])', _BACKSLASHED, child.caption)
            destination = (
                f'{_destination(child.src)} "{title}"' if title else _destination(child.src)
            )
            yield f"![{_escaped(child.alt)}]({destination})"
        else:
            if isinstance(previous, ImportedText):
                yield _RULE
            yield from _text(child.passages)
        previous = child
    if section.references:
        yield _box("references", "", [_references(section.references)])


def _box(name: str, heading: str, parts: Iterable[str] = ()) -> str:
    first = f"[!{name}] {_heading(heading)}".rstrip()
    text = "\n\n".join([first, *parts])
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _references(references: Sequence[ImportedReference]) -> str:
    lines = []
    for number, reference in enumerate(references, 1):
        words = _heading(reference.citation)
        if reference.url:
            words = f"[{words}]({_destination(reference.url)})"
        code = f" {_code(reference.identifier)}" if reference.identifier else ""
        lines.append(f"{number}. {_line_starts(words)}{code}")
    return "\n".join(lines)


def _code(text: str) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


# Rich text


def _text(passages: Passages) -> list[str]:
    """Return one string a block of Markdown: a paragraph, a heading, or a whole list."""
    parts: list[str] = []
    items: list[Passage] = []
    for passage in passages:
        if passage.kind in LISTS:
            items.append(passage)
            continue
        if items:
            parts.append(_list(items))
            items = []
        parts.append(_prose(passage))
    return [*parts, _list(items)] if items else parts


def _prose(passage: Passage) -> str:
    if passage.kind == Kind.PARAGRAPH:
        return _line_starts(_inline(passage))
    marks = "###" if passage.kind == Kind.HEADING else "####"
    return (
        f"{marks} {_inline(passage).replace(chr(92) + chr(10), '<br>').replace('#', chr(92) + '#')}"
    )


def _list(items: Iterable[Passage]) -> str:
    lines: list[str] = []
    above: list[
        tuple[Kind, int, int]
    ] = []  # of the item and those that it stands in: kind, number, width
    for item in items:
        del above[item.depth + 1 :]
        number = 1
        if len(above) > item.depth:
            kind, last, _ = above.pop()
            number = last + 1 if kind == item.kind else 1
        marker = f"{number}. " if item.kind == Kind.NUMBER else "- "
        indent = " " * sum(width for _, _, width in above)
        above.append((item.kind, number, len(marker)))
        first, *others = _line_starts(_inline(item)).split("\n")
        lines.append(f"{indent}{marker}{first}")
        lines.extend(f"{indent}{' ' * len(marker)}{line}" for line in others)
    return "\n".join(lines)


def _inline(passage: Passage) -> str:
    """Return a passage's words; stars that CommonMark would read in another way become tags."""
    stars = _marked(passage.runs, {"b": ("**", "**"), "i": ("*", "*")})
    if passages_from_markdown(_line_starts(stars)) == (Passage(Kind.PARAGRAPH, passage.runs),):
        return stars
    return _marked(passage.runs, {"b": ("<b>", "</b>"), "i": ("<i>", "</i>")})


def _marked(runs: Iterable[Run], marks: dict[str, tuple[str, str]]) -> str:
    parts = []
    for href, group in groupby(runs, key=lambda run: run.href):
        words = _emphasised(group, marks)
        parts.append(f"[{words}]({_destination(href)})" if href else words)
    return "".join(parts)


def _emphasised(runs: Iterable[Run], marks: dict[str, tuple[str, str]]) -> str:
    parts: list[str] = []
    opened: list[str] = []
    for run in runs:
        wanted = [name for name, on in (("b", run.bold), ("i", run.italic)) if on]
        while any(name not in wanted for name in opened):
            parts.append(marks[opened.pop()][1])
        for name in wanted:
            if name not in opened:
                opened.append(name)
                parts.append(marks[name][0])
        parts.append(_escaped(run.text).replace("\n", "\\\n"))
    parts.extend(marks[name][1] for name in reversed(opened))
    return "".join(parts)


def _paragraph(text: str) -> str:
    return _line_starts(_escaped(text))


def _heading(text: str) -> str:
    return _escaped(text).replace("#", "\\#")


def _escaped(text: str) -> str:
    return _SPECIAL.sub(_BACKSLASHED, text)


def _line_starts(text: str) -> str:
    return _NUMBER_START.sub(r"\1\\\2", _LINE_START.sub(r"\\\1", text))


def _destination(url: str) -> str:
    if _PLAIN_ADDRESS.fullmatch(url):
        return url
    one_line = url.replace("\n", "").replace("\\", "")
    escaped = _ADDRESS_SIGNS.sub(_BACKSLASHED, one_line)
    return f"<{escaped}>"
