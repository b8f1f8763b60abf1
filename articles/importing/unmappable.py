"""What an article cannot hold: it becomes words, and a sentence says so."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from markdown_it.token import Token

from articles.importing.rich_text import passages_from_untrusted

_HARMLESS_HTML = re.compile(r"</?[bi]>|<br ?/?>")
_TOO_LOW = {"h5", "h6"}
_HIDDEN = {
    *(f"{name}_{side}" for name in ("table", "thead", "tbody") for side in ("open", "close")),
    "th_close",
    "td_close",
}


def sentences_on(block: Token) -> Iterator[str]:
    """Say what becomes of a block and of each part of its line, where it is not kept."""
    yield from filter(None, map(_sentence_on, (block, *(block.children or ()))))


def _sentence_on(token: Token) -> str:
    if token.type == "table_open":
        return "A table was kept as text, one paragraph a row."
    if token.type in {"fence", "code_block"}:
        return "Code was kept as text."
    if token.type in {"html_block", "html_inline"} and not _HARMLESS_HTML.fullmatch(token.content):
        return "HTML was read with care: words and simple formatting stay, scripts and the rest go."
    if token.type == "ordered_list_open" and token.attrs.get("start", 1) != 1:
        return f"This list began at {token.attrs['start']}; it counts from 1 now."
    if token.type == "heading_open" and token.tag in _TOO_LOW:
        return "A heading of this level became one of level 4."
    if token.type == "link_open":
        href = str(token.attrs.get("href", ""))
        if not passages_from_untrusted(f'<a href="{escape(href)}">x</a>')[0].runs[0].href:
            return f"A link was left out, its words stay: “{href[:80]}” is no address for readers."
    return ""


def put_into_words(tokens: Sequence[Token]) -> None:
    """Make low headings ones of level 4, and each row of a table a paragraph, its cells parted by a stroke."""
    first = True
    for token in tokens:
        if token.tag in _TOO_LOW:
            token.tag = "h4"
        elif token.type in _HIDDEN:
            token.hidden = True
        elif token.type in {"tr_open", "tr_close"}:
            token.tag, token.attrs, first = "p", {}, True
        elif token.type in {"th_open", "td_open"}:
            token.type, token.tag, token.hidden, token.attrs = "stroke", "", False, {}
            token.content, first = ("" if first else " | "), False
