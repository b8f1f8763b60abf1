"""Read an article from Markdown: CommonMark, with boxes (`> [!note] …`) for what it has no sign for.

What an article cannot hold (tables, pictures from elsewhere, code, quotations) stays as words, and a note
says so. HTML is never trusted (`rich_text`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from articles.blocks import CareLevel
from articles.importing import front_matter
from articles.importing.imported import (
    LONGEST_CAPTION,
    LONGEST_CARD_HEADING,
    LONGEST_CITATION,
    LONGEST_IDENTIFIER,
    LONGEST_REVIEWER,
    LONGEST_SHARE_CALL,
    LONGEST_STANDFIRST,
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
    Passages,
    aspect_named,
)
from articles.importing.plain_text import is_share_call
from articles.importing.rich_text import (
    Kind,
    Passage,
    paragraph,
    passages_from_untrusted,
    plain,
    without_headings,
)
from articles.importing.source import ImportRefused, Note, Source
from articles.outline import LONGEST_HEADING, LONGEST_SLUG, LONGEST_SUMMARY, is_reserved_slug

DEEPEST = 60
_BOX = re.compile(r"\[!(?P<name>[A-Za-z-]+)\](?:[ \t]+(?P<rest>.*))?")
_SLUG_MARK = re.compile(r"(?P<heading>.*?)[ \t]*(?<!\\)\{#(?P<slug>[-\w]+)\}[ \t]*", re.DOTALL)
_SLUG = re.compile(r"[-\w]+")
_HARMLESS_HTML = re.compile(r"</?[bi]>|<br ?/?>")
_MOST_SIGNS = (("[", 2_000), ("*_", 10_000), ("<", 10_000))
_WEB_ADDRESS = URLValidator(schemes=["http", "https"])


def read_markdown(source: Source) -> ImportedArticle:
    """Return the article that Markdown tells; raises ImportRefused without a title or a text."""
    entries, text, above = front_matter.split(source.text)
    _refuse_what_takes_too_long(text, above)
    return _Reading(source, entries, text, above).article()


def _refuse_what_takes_too_long(text: str, above: int) -> None:
    """Raise ImportRefused for a paragraph of so many signs that reading it would take minutes.

    The parser's time grows with the square of them; no paragraph that a person wrote has as many.
    """
    line = above + 1
    for chunk in text.split("\n\n"):
        for signs, most in _MOST_SIGNS:
            if sum(map(chunk.count, signs)) > most:
                raise ImportRefused(
                    f"This paragraph has more than {most:,} of the signs {' '.join(signs)}. "
                    "Import it as plain text, or part it.",
                    line,
                )
        line += chunk.count("\n") + 2


def passages_from_markdown(text: str) -> Passages:
    """Return the passages of a piece of Markdown."""
    parser = _parser()
    return passages_from_untrusted(parser.render(text))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST}, renderer_cls=_Words).enable("table")
    # Addresses stay as they were written; which of them may stay, nh3 says.
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


class _Words(RendererHTML):
    """Renders to HTML what an article can hold, and the words of all else."""

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        words = [self.alt(tokens[idx], options, env), str(tokens[idx].attrs.get("title", ""))]
        return _escaped(" ".join(word for word in words if word))

    def alt(self, image: Token, options: Any, env: Any) -> str:
        return self.renderInlineAsText(image.children or [], options, env)

    def code_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return _escaped(tokens[idx].content)

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        info = f"{token.info.strip()}\n" if token.info.strip() else ""
        lines = (info + token.content).rstrip("\n").split("\n")
        return f"<p>{'<br>'.join(map(_escaped, lines))}</p>"

    code_block = fence

    def stroke(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return tokens[idx].content


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


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

    def __init__(
        self, source: Source, entries: list[front_matter.Entry], text: str, above: int
    ) -> None:
        self._notes = list(source.notes)
        self._entries = entries
        self._above = above
        self._env: dict[str, Any] = {}
        self._parser = _parser()
        self._tokens = self._parser.parse(text, self._env)
        self._title = ""
        self._title_line: int | None = None
        self._introduction: list[Passage] = []
        self._blocks: list[ImportedBlock] = []
        self._section: _OpenSection | None = None
        self._pending: list[Token] = []
        self._fields: dict[str, str] = {}
        self._reviewed_on: date | None = None

    def article(self) -> ImportedArticle:
        """Return what was understood."""
        self._refuse_what_was_too_deep()
        self._settle(self._tokens)
        left_over = self._read_entries()
        for tokens in _top_level(self._tokens):
            self._take(tokens)
        self._close_section()
        title = self._title or self._fields.pop("title", "")
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
            introduction=(*self._introduction, *left_over),
            blocks=tuple(self._blocks),
            slug=self._fields.get("slug", ""),
            standfirst=self._fields.get("standfirst", ""),
            search_title=self._fields.get("search title", ""),
            search_description=self._fields.get("search description", ""),
            reviewed_on=self._reviewed_on,
            reviewed_by=self._fields.get("reviewed by", ""),
            line=self._title_line,
            notes=tuple(dict.fromkeys(sorted(self._notes, key=lambda note: note.line or 0))),
        )
        if not any(text.strip() for text in article.texts()) and not article.blocks:
            raise ImportRefused(
                "There is a title, but no text under it. An article needs at least a paragraph.",
                self._title_line,
            )
        return article

    # Front matter

    def _read_entries(self) -> list[Passage]:
        """Take the entries that are known; return the others as paragraphs, so that none is lost."""
        left_over = []
        for entry in self._entries:
            if not self._read_entry(entry):
                left_over.append(paragraph(entry.source))
                sentence = f"“{entry.source}” is kept as text at the end of the introduction."
                self._notes.append(Note(entry.line, sentence))
        return left_over

    def _read_entry(self, entry: front_matter.Entry) -> bool:
        name, value = entry.name, entry.value.strip()
        if not value:
            return True
        if name in self._fields:
            return False
        if name == "reviewed on":
            try:
                self._reviewed_on = date.fromisoformat(value)
            except ValueError:
                return False
            sentence = f"The text says that it was medically reviewed on {value}. Make sure of it."
            self._notes.append(Note(entry.line, sentence))
            return True
        longest = {
            "title": LONGEST_TITLE,
            "slug": LONGEST_TITLE,
            "standfirst": LONGEST_STANDFIRST,
            "search title": LONGEST_TITLE,
            "search description": 5000,
            "reviewed by": LONGEST_REVIEWER,
        }
        if len(value) > longest.get(name, 0) or (name == "slug" and not _SLUG.fullmatch(value)):
            return False
        if name == "title" and self._has_title_line():
            return False
        self._fields[name] = value
        if name == "title":
            self._title_line = entry.line
        return True

    def _has_title_line(self) -> bool:
        return any(t.type == "heading_open" and t.tag == "h1" and not t.level for t in self._tokens)

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
        self._title_line = self._line(tokens[0])
        self._title = self._plain(tokens[1].content)
        if self._introduction or self._blocks or self._section:
            sentence = "What stands above the title was put below it."
            self._notes.append(Note(self._title_line, sentence))

    def _begin_section(self, tokens: list[Token]) -> None:
        line = self._line(tokens[0])
        if tokens[0].tag == "h1":
            sentence = "An article has one title; this heading begins a section."
            self._notes.append(Note(line, sentence))
        content, slug = tokens[1].content, ""
        match = _SLUG_MARK.fullmatch(content)
        if match and len(match["slug"]) <= LONGEST_SLUG and not is_reserved_slug(match["slug"]):
            content, slug = match["heading"], match["slug"].lower()
        self._close_section()
        heading = self._plain(content)
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
            alt=self._alt(image),
            caption=caption,
            line=self._line(tokens[0]),
        )
        self._section.body.append(figure)

    def _take_quotation(self, tokens: list[Token]) -> None:
        line = self._line(tokens[0])
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
            inside = [
                tokens[1],
                *self._parser.parseInline(below, self._env)[:1],
                tokens[3],
                *inside,
            ]
            inside[1].map = tokens[2].map
            self._settle(inside[1:2])
        if not self._take_box(match["name"].lower(), match["rest"] or "", inside, line):
            if match["name"].lower() in BOXES:
                sentence = f"The box “[!{match['name']}]” does not fit here: it was kept as text."
            else:
                sentence = f"A box “[!{match['name']}]” is not known: it was kept as text."
            self._notes.append(Note(line, sentence))
            self._pending.extend(tokens[1:-1])

    def _take_box(self, name: str, rest: str, inside: list[Token], line: int) -> bool:
        """Take what a box holds; return False where it is none of ours, or holds too much."""
        heading = self._plain(rest)
        if name in {"summary", "aspect"}:
            return self._take_detail(name, rest, inside)
        if name == "references":
            references = None if heading else self._references(inside)
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
        text = without_headings(self._passages(inside))
        if name == "note":
            self._blocks.append(ImportedCallout(heading, text, line))
        else:
            self._blocks.append(ImportedCareCard(CareLevel(name), heading, text, line))
        return True

    def _take_detail(self, name: str, rest: str, inside: list[Token]) -> bool:
        if self._section is None or self._section.body or self._pending:
            return False
        passages = self._passages(inside)
        if any(passage.kind != Kind.PARAGRAPH for passage in passages):
            return False
        words = "\n".join(filter(None, [self._plain(rest), *(p.text for p in passages)]))
        if name == "aspect":
            aspect = aspect_named(words)
            self._section.aspect = self._section.aspect or aspect
            return bool(aspect)
        if self._section.summary or not 0 < len(words) <= LONGEST_SUMMARY:
            return False
        self._section.summary = words
        return True

    def _references(self, inside: list[Token]) -> list[ImportedReference] | None:
        """Return the items of a list of sources, or None where there is anything else."""
        if not inside or inside[0].type not in {"ordered_list_open", "bullet_list_open"}:
            return None
        found = []
        depth = 0
        for token in inside:
            depth += token.nesting
            if token.type == "inline":
                reference = self._reference(token)
                if reference is None:
                    return None
                found.append(reference)
            elif token.type not in _OF_A_LIST or (depth == 0 and token is not inside[-1]):
                return None
        return found

    def _reference(self, token: Token) -> ImportedReference | None:
        children = list(token.children or ())
        identifier = ""
        if len(children) > 1 and children[-1].type == "code_inline":
            identifier = children.pop().content
        html = self._parser.renderer.render(
            [Token("inline", "", 0, children=children)], self._parser.options, self._env
        )
        passages = passages_from_untrusted(html)
        citation = plain(passages)
        addresses = {run.href for passage in passages for run in passage.runs if run.text.strip()}
        url = addresses.pop() if len(addresses) == 1 else ""
        if addresses - {""} or len(identifier) > LONGEST_IDENTIFIER:
            return None
        if not 0 < len(citation) <= LONGEST_CITATION or (url and not _is_web_address(url)):
            return None
        return ImportedReference(citation, url, identifier)

    # Text

    def _flush(self) -> None:
        """Put the paragraphs read so far where they belong."""
        tokens, self._pending = self._pending, []
        if not tokens:
            return
        line = self._line(tokens[0])
        passages = self._passages(tokens)
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
        line = self._last_line()
        left = (replace(text, passages=text.passages[:-1]),) if text.passages[:-1] else ()
        self._blocks[-1] = replace(last, body=(*last.body[:-1], *left))
        self._blocks.append(ImportedShareCall(words, line))
        self._notes.append(Note(line, f"“{words}” was taken as the call to share."))

    def _passages(self, tokens: list[Token]) -> Passages:
        line = self._above + 1
        for token in tokens:
            line = self._line(token) if token.map else line
            for child in token.children or ():
                if child.type == "image":
                    sentence = (
                        "A picture was left out, its words stay. "
                        f"Add it in the editor: {str(child.attrs.get('src', ''))[:200]}"
                    )
                    self._notes.append(Note(line, sentence))
        html = self._parser.renderer.render(tokens, self._parser.options, self._env)
        return passages_from_untrusted(html)

    def _alt(self, image: Token) -> str:
        renderer: Any = self._parser.renderer
        return " ".join(renderer.alt(image, self._parser.options, self._env).split())

    def _plain(self, markdown: str) -> str:
        """Return the words of one line of Markdown."""
        return plain(self._passages(self._parser.parseInline(markdown, self._env)))

    # What is set right, or told

    def _settle(self, tokens: Sequence[Token]) -> None:
        """Turn what an article cannot hold into words, and note it."""
        line = self._above + 1
        for token in tokens:
            if token.map:
                line = self._line(token)
            for one in (token, *(token.children or ())):
                if sentence := _unmappable(one):
                    self._notes.append(Note(line, sentence))
        _rows_as_paragraphs(tokens)

    def _refuse_what_was_too_deep(self) -> None:
        # The parser leaves out, in silence, what is nested deeper than it was told to follow.
        for token in self._tokens:
            if token.level >= DEEPEST - 2:
                raise ImportRefused("Lists or quotations are nested too deeply.", self._line(token))

    def _line(self, token: Token) -> int:
        return self._above + 1 + (token.map[0] if token.map else 0)

    def _last_line(self) -> int:
        return max(self._line(token) for token in self._tokens if token.map)


BOXES = {*(level.value for level in CareLevel), "note", "share", "summary", "aspect", "references"}
_OF_A_LIST = {
    f"{name}_{side}"
    for name in ("ordered_list", "bullet_list", "list_item", "paragraph")
    for side in ("open", "close")
}


def _top_level(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield each block with all that is in it."""
    block: list[Token] = []
    depth = 0
    for token in tokens:
        block.append(token)
        depth += token.nesting
        if depth == 0:
            yield block
            block = []


def _lone_image(tokens: list[Token]) -> Token | None:
    """Return the picture that is all of a paragraph."""
    if len(tokens) != 3 or tokens[0].type != "paragraph_open":
        return None
    children = tokens[1].children or []
    return children[0] if len(children) == 1 and children[0].type == "image" else None


def _is_web_address(url: str) -> bool:
    try:
        _WEB_ADDRESS(url)
    except ValidationError:
        return False
    return True


def _unmappable(token: Token) -> str:
    """Return the sentence that says what becomes of a token, or an empty one where nothing does."""
    if token.type == "table_open":
        return "A table was kept as text, one paragraph a row."
    if token.type in {"fence", "code_block"}:
        return "Code was kept as text."
    if token.type in {"html_block", "html_inline"} and not _HARMLESS_HTML.fullmatch(token.content):
        return "HTML was read with care: words and simple formatting stay, scripts and the rest go."
    if token.type == "ordered_list_open" and token.attrs.get("start", 1) != 1:
        return f"This list began at {token.attrs['start']}; it counts from 1 now."
    if token.type == "heading_open" and token.tag in {"h5", "h6"}:
        token.tag = "h4"
        return "A heading of this level became one of level 4."
    if token.type == "heading_close" and token.tag in {"h5", "h6"}:
        token.tag = "h4"
    if token.type == "link_open":
        href = str(token.attrs.get("href", ""))
        if not passages_from_untrusted(f'<a href="{_attribute(href)}">x</a>')[0].runs[0].href:
            return f"A link was left out, its words stay: “{href[:80]}” is no address for readers."
    return ""


def _attribute(text: str) -> str:
    return _escaped(text).replace('"', "&quot;")


def _rows_as_paragraphs(tokens: Sequence[Token]) -> None:
    """Make each row of a table one paragraph, its cells parted by a stroke."""
    first = True
    for token in tokens:
        if token.type in {
            "table_open",
            "table_close",
            "thead_open",
            "thead_close",
        } or token.type in {"tbody_open", "tbody_close"}:
            token.hidden = True
        elif token.type in {"tr_open", "tr_close"}:
            token.tag, token.attrs, first = "p", {}, True
        elif token.type in {"th_open", "td_open"}:
            token.type, token.tag, token.hidden, token.attrs = "stroke", "", False, {}
            token.content, first = ("" if first else " | "), False
        elif token.type in {"th_close", "td_close"}:
            token.hidden = True
