"""Rich text as a flat list of passages: what our editor can express, and nothing else.

HTML is never trusted: what comes in is cleaned, read into passages, and written anew from them; the
written HTML passes one more time through nh3, with exactly the tags that our editor has.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
from html.parser import HTMLParser
from itertools import groupby

import nh3
from wagtail.whitelist import ALLOWED_URL_SCHEMES, check_url

TAGS = {"p", "h3", "h4", "b", "i", "ol", "ul", "li", "a", "br"}
_SCHEMES = set(ALLOWED_URL_SCHEMES)
# Tags that only part one passage from the next: kept while reading, so that no two words grow together.
_PARTING_TAGS = (
    "address article aside blockquote caption center dd details div dl dt fieldset figcaption figure "
    "footer form h1 h2 h5 h6 header hr main nav pre section summary table tbody td tfoot th thead tr"
)
_PARTING = frozenset(_PARTING_TAGS.split(" "))
_BOLD, _ITALIC = {"b", "strong"}, {"i", "em"}
_SPACE = re.compile(r"[ \t\n\r\f]+")
_EDGES = re.compile(r"(\s*)(.*?)(\s*)", re.DOTALL)


class Kind(StrEnum):
    """What a passage is."""

    PARAGRAPH = "p"
    HEADING = "h3"
    SUBHEADING = "h4"
    BULLET = "ul"
    NUMBER = "ol"


LISTS = {Kind.BULLET, Kind.NUMBER}


@dataclass(frozen=True)
class Run:
    """Words that are set alike; a line feed in them is a line break."""

    text: str
    bold: bool = False
    italic: bool = False
    href: str = ""


@dataclass(frozen=True)
class Passage:
    """A paragraph, a heading, or one item of a list at its depth (from 0)."""

    kind: Kind
    runs: tuple[Run, ...]
    depth: int = 0

    @property
    def text(self) -> str:
        """Return the words alone."""
        return "".join(run.text for run in self.runs)


def paragraph(text: str) -> Passage:
    """Return a paragraph of plain words."""
    return Passage(Kind.PARAGRAPH, tidy([Run(text)]))


def passages_from_untrusted(html: str) -> tuple[Passage, ...]:
    """Return the passages of HTML from anywhere; what our editor cannot express leaves its words."""
    cleaned = nh3.clean(
        html,
        tags=TAGS | _PARTING | _BOLD | _ITALIC,
        attributes={"a": {"href"}},
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    return passages(cleaned)


def passages(
    html: str, address: Callable[[Mapping[str, str]], str] | None = None
) -> tuple[Passage, ...]:
    """Return the passages of rich text; `address` turns a link's attributes into an absolute address."""
    reader = _Reader(address or (lambda attributes: attributes.get("href", "")))
    reader.feed(html)
    reader.close()
    return reader.finish()


def html_from(text: Sequence[Passage]) -> str:
    """Return rich text as the editor stores it, cleaned to exactly what our features allow."""
    parts: list[str] = []
    open_lists: list[Kind] = []
    for passage in text:
        wanted = passage.depth + 1 if passage.kind in LISTS else 0
        while len(open_lists) > wanted or (
            wanted and len(open_lists) == wanted and open_lists[-1] != passage.kind
        ):
            parts.append(f"</li></{open_lists.pop()}>")
        if not wanted:
            parts.append(f"<{passage.kind}>{_inline(passage.runs)}</{passage.kind}>")
            continue
        if len(open_lists) == wanted:
            parts.append("</li>")
        while len(open_lists) < wanted:
            open_lists.append(passage.kind)
            parts.append(f"<{passage.kind}>" + ("<li>" if len(open_lists) < wanted else ""))
        parts.append(f"<li>{_inline(passage.runs)}")
    while open_lists:
        parts.append(f"</li></{open_lists.pop()}>")
    return nh3.clean(
        "".join(parts),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes=_SCHEMES,
        link_rel=None,
    )


def without_headings(text: Iterable[Passage]) -> tuple[Passage, ...]:
    """Return the passages with headings as bold paragraphs, for fields that have no headings."""
    return tuple(
        Passage(Kind.PARAGRAPH, tidy([replace(run, bold=True) for run in passage.runs]))
        if passage.kind in {Kind.HEADING, Kind.SUBHEADING}
        else passage
        for passage in text
    )


def plain(text: Iterable[Passage]) -> str:
    """Return the words, one space between passages and lines."""
    return " ".join(" ".join(passage.text for passage in text).split())


def tidy(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return runs in their one form: no blanks at the edges, equal neighbours joined.

    A blank between words is set as both of them are: whether it is bold, nobody sees.
    """
    segments: list[Run] = []
    for run in runs:
        match = _EDGES.fullmatch(run.text)
        before, words, after = match.groups() if match else ("", run.text, "")
        for text in (before, words, after):
            if text:
                segments.append(replace(run, text=text))
    joined: list[Run] = []
    for segment in _blanks_as_their_neighbours(segments):
        if joined and replace(joined[-1], text="") == replace(segment, text=""):
            joined[-1] = replace(joined[-1], text=joined[-1].text + segment.text)
        else:
            joined.append(segment)
    joined = [replace(run, text=re.sub(r" *\n *", "\n", run.text)) for run in joined]
    while joined and not (joined[0].text and joined[0].text.strip()):
        joined.pop(0)
    while joined and not joined[-1].text.strip():
        joined.pop()
    if joined:
        joined[0] = replace(joined[0], text=joined[0].text.lstrip())
        joined[-1] = replace(joined[-1], text=joined[-1].text.rstrip())
    return tuple(joined)


def _blanks_as_their_neighbours(segments: list[Run]) -> list[Run]:
    """Return the segments, each blank one set as the words on both of its sides are."""
    after: list[Run | None] = []
    following: Run | None = None
    for segment in reversed(segments):
        after.append(following)
        if segment.text.strip():
            following = segment
    set_alike = []
    before: Run | None = None
    for segment, next_words in zip(segments, reversed(after), strict=True):
        if segment.text.strip():
            before = segment
        elif before is None or next_words is None:
            segment = Run(segment.text)
        else:
            segment = Run(
                segment.text,
                bold=before.bold and next_words.bold,
                italic=before.italic and next_words.italic,
                href=before.href if before.href == next_words.href else "",
            )
        set_alike.append(segment)
    return set_alike


def _inline(runs: Iterable[Run]) -> str:
    parts = []
    for href, group in groupby(runs, key=lambda run: run.href):
        words = "".join(_marked(run) for run in group)
        parts.append(f'<a href="{escape(href)}">{words}</a>' if href else words)
    return "".join(parts)


def _marked(run: Run) -> str:
    html = "<br>".join(escape(line, quote=False) for line in run.text.split("\n"))
    if run.italic:
        html = f"<i>{html}</i>"
    return f"<b>{html}</b>" if run.bold else html


class _Reader(HTMLParser):
    """Reads well-formed HTML into passages."""

    def __init__(self, address: Callable[[Mapping[str, str]], str]) -> None:
        super().__init__()
        self._address = address
        self._found: list[Passage] = []
        self._runs: list[Run] = []
        self._kind = Kind.PARAGRAPH
        self._lists: list[Kind] = []
        self._bold = self._italic = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BOLD:
            self._bold += 1
        elif tag in _ITALIC:
            self._italic += 1
        elif tag == "a":
            href = self._address({name: value or "" for name, value in attrs}).strip()
            self._links.append(href if check_url(href) else "")
        elif tag == "br":
            self._runs.append(self._run("\n"))
        elif tag in {"ul", "ol"}:
            self._flush()
            self._lists.append(Kind(tag))
            self._kind = Kind(tag)
        elif tag == "li":
            self._flush()
        elif self._lists:
            # An item holds lines, no paragraphs.
            self._runs.append(self._run("\n"))
        else:
            self._flush()
            self._kind = Kind(tag) if tag in {"h3", "h4"} else Kind.PARAGRAPH

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in {"br", "hr"}:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BOLD:
            self._bold = max(0, self._bold - 1)
        elif tag in _ITALIC:
            self._italic = max(0, self._italic - 1)
        elif tag == "a":
            if self._links:
                self._links.pop()
        elif tag in {"ul", "ol"}:
            self._flush()
            if self._lists:
                self._lists.pop()
            self._kind = self._lists[-1] if self._lists else Kind.PARAGRAPH
        elif tag == "li":
            self._flush()
        elif self._lists:
            self._runs.append(self._run("\n"))
        else:
            self._flush()
            self._kind = Kind.PARAGRAPH

    def handle_data(self, data: str) -> None:
        self._runs.append(self._run(_SPACE.sub(" ", data)))

    def finish(self) -> tuple[Passage, ...]:
        """Return what was read."""
        self._flush()
        return tuple(self._found)

    def _run(self, text: str) -> Run:
        return Run(text, self._bold > 0, self._italic > 0, self._links[-1] if self._links else "")

    def _flush(self) -> None:
        runs = tidy(_one_blank(self._runs))
        self._runs = []
        if not runs:
            return
        depth = max(0, len(self._lists) - 1)
        if self._lists:
            last = self._found[-1] if self._found else None
            deepest = last.depth + 1 if last is not None and last.kind in LISTS else 0
            depth = min(depth, deepest)
        self._found.append(Passage(self._kind, runs, depth))


def _one_blank(runs: Iterable[Run]) -> Iterable[Run]:
    """Yield runs without a space after a blank, and with at most one line break in a row."""
    last = ""
    for run in runs:
        text = run.text
        if last.endswith((" ", "\n")):
            text = text.lstrip(" ")
        if text == "\n" and last.endswith("\n"):
            continue
        if text:
            last = text
            yield replace(run, text=text)
