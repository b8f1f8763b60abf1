"""Markdown as its parser tells it: tokens, their lines, their words.

What an article cannot hold is words already in what comes out of here (`unmappable`), and HTML is never
trusted (`rich_text`).
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from articles.importing.imported import Passages
from articles.importing.rich_text import passages_from_untrusted, plain
from articles.importing.source import ImportRefused, Note
from articles.importing.unmappable import put_into_words, sentences_on

DEEPEST = 60
_MOST_SIGNS = (("[", 2_000), ("*_", 10_000), ("<", 10_000))


def passages_from_markdown(text: str) -> Passages:
    """Return the passages of a piece of Markdown."""
    return passages_from_untrusted(_parser().render(text))


class Document:
    """A text in Markdown, of which `above` lines were taken away before; `notes` are added to.

    Raises ImportRefused for what the parser could not read in time, or not as deep as it goes.
    """

    def __init__(self, text: str, *, above: int, notes: list[Note]) -> None:
        _refuse_what_takes_too_long(text, above)
        self._above = above
        self._notes = notes
        self._env: dict[str, Any] = {}
        self._parser = _parser()
        self.tokens = self._parser.parse(text, self._env)
        self._refuse_what_was_too_deep()
        self._settle(self.tokens)

    def blocks(self) -> Iterator[list[Token]]:
        """Yield each block of the top level with all that is in it."""
        block: list[Token] = []
        depth = 0
        for token in self.tokens:
            block.append(token)
            depth += token.nesting
            if depth == 0:
                yield block
                block = []

    def line(self, token: Token) -> int:
        """Return the line that a block begins on, from 1."""
        return self._above + 1 + (token.map[0] if token.map else 0)

    def last_line(self) -> int:
        """Return the line that the last block begins on."""
        return max(self.line(token) for token in self.tokens if token.map)

    def inline(self, text: str, *, like: Token) -> list[Token]:
        """Return a line of Markdown as what stands in a paragraph, on the line of another."""
        tokens = self._parser.parseInline(text, self._env)[:1]
        tokens[0].map = like.map
        self._settle(tokens)
        return tokens

    def passages(self, tokens: Sequence[Token]) -> Passages:
        """Return blocks as passages; a picture among them is noted."""
        line = self._above + 1
        for token in tokens:
            line = self.line(token) if token.map else line
            for child in token.children or ():
                if child.type == "image":
                    sentence = (
                        "A picture was left out, its words stay. "
                        f"Add it in the editor: {str(child.attrs.get('src', ''))[:200]}"
                    )
                    self._notes.append(Note(line, sentence))
        return self.passages_within(tokens)

    def passages_within(self, tokens: Sequence[Token]) -> Passages:
        """Return blocks as passages, whatever is among them."""
        html = self._parser.renderer.render(tokens, self._parser.options, self._env)
        return passages_from_untrusted(html)

    def plain(self, markdown: str) -> str:
        """Return the words of one line of Markdown."""
        return plain(self.passages(self._parser.parseInline(markdown, self._env)))

    def alt(self, image: Token) -> str:
        """Return the words that stand for a picture."""
        renderer: Any = self._parser.renderer
        return " ".join(renderer.alt(image, self._parser.options, self._env).split())

    def _settle(self, tokens: Sequence[Token]) -> None:
        """Turn what an article cannot hold into words, and note it."""
        line = self._above + 1
        for token in tokens:
            line = self.line(token) if token.map else line
            self._notes.extend(Note(line, sentence) for sentence in sentences_on(token))
        put_into_words(tokens)

    def _refuse_what_was_too_deep(self) -> None:
        # The parser leaves out, in silence, what is nested deeper than it was told to follow.
        for token in self.tokens:
            if token.level >= DEEPEST - 2:
                raise ImportRefused("Lists or quotations are nested too deeply.", self.line(token))


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
    return escape(text, quote=False)
