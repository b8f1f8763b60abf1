"""Editorial rules: what a person should mend in an article, found anew each time and stored nowhere."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from uuid import UUID

from articles.importing.imported import ImportedArticle
from articles.models import ArticlePage
from articles.outline import plain_text

SHORTEST_WORD = 4  # letters
SLIP_RATIO = 0.8  # of difflib: how alike two words are
FREQUENT = 2  # uses in the body
# So many of a body's frequent words are compared with a title; more tell no more.
_MOST_WORDS = 5_000
_LONGEST_WORD = 60
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['’]s$")
# Two forms of one word are no slip: “cause” and “causes”, “twitch” and “twitching”.
_ENDINGS = {"s", "es", "d", "ed", "r", "er", "ers", "ing", "ly", "n", "en", "al"}
_STOP_WORDS = frozenset(
    [
        "about", "after", "also", "because", "been", "before", "between", "both", "cannot", "could",
        "does", "down", "during", "each", "even", "every", "from", "have", "here", "into", "just", "like",
        "made", "make", "many", "more", "most", "much", "must", "need", "only", "other", "over", "same",
        "should", "some", "such", "than", "that", "their", "them", "then", "there", "these", "they", "this",
        "those", "through", "under", "until", "very", "want", "well", "were", "what", "when", "where",
        "which", "while", "whom", "whose", "will", "with", "without", "would", "your", "yours",
    ]
)  # fmt: skip


class FindingCode(StrEnum):
    """What kind of thing is to mend."""

    HEADING_MISSING = "heading-missing"
    TEXT_MISSING = "text-missing"
    TITLE_SLIP = "title-slip"


@dataclass(frozen=True)
class Finding:
    """One thing to mend: said in a sentence, at a section (`position` from 1) or at the title (None)."""

    code: FindingCode
    sentence: str
    position: int | None = None
    block_id: UUID | None = None  # of an article's section
    line: int | None = None  # of an import's source, from 1

    def __str__(self) -> str:
        return self.sentence if self.line is None else f"Line {self.line}: {self.sentence}"


@dataclass(frozen=True)
class _Section:
    heading: str
    text: str
    has_body: bool
    block_id: UUID | None = None
    line: int | None = None


def findings(article: ArticlePage | ImportedArticle) -> list[Finding]:
    """Return what is to mend in an article (as the object has it) or in an import, in reading order."""
    if isinstance(article, ImportedArticle):
        sections = [
            _Section(section.heading, "", bool(section.body), line=section.line)
            for section in article.sections
        ]
        found = _title_slips(article.title, article.texts(), article.line)
    else:
        sections = [
            _Section(part.heading, part.text, bool(part.body), block_id=part.block_id)
            for part in article.parts
        ]
        found = _title_slips(article.title, _texts(article), None)
    return [*found, *_of_sections(sections)]


def missing_headings(article: ArticlePage) -> list[int]:
    """Return the positions of the sections without a heading."""
    return [
        finding.position
        for finding in findings(article)
        if finding.code == FindingCode.HEADING_MISSING and finding.position
    ]


def _of_sections(sections: Iterable[_Section]) -> Iterator[Finding]:
    for position, section in enumerate(sections, 1):
        at = {"position": position, "block_id": section.block_id, "line": section.line}
        if not section.heading.strip():
            sentence = f"Part {position}: heading missing. Readers see “Part {position}” instead."
            yield Finding(FindingCode.HEADING_MISSING, sentence, **at)  # type: ignore[arg-type]  # three types in one dict
        if not section.has_body:
            name = f"“{section.heading}”" if section.heading else f"Part {position}"
            sentence = f"{name} has no text."
            yield Finding(FindingCode.TEXT_MISSING, sentence, **at)  # type: ignore[arg-type]


def _title_slips(title: str, texts: Iterable[str], line: int | None) -> list[Finding]:
    """Return a finding for each title word that the body never uses, but nearly so, and often."""
    uses: Counter[str] = Counter()
    for text in texts:
        uses.update(_words(text))
    frequent = [
        word for word, count in uses.most_common(_MOST_WORDS) if count >= FREQUENT and _counts(word)
    ]
    found = []
    seen = set()
    for shown, word in _words_as_written(title):
        if word in seen or not _counts(word) or any(_same_word(word, used) for used in uses):
            continue
        seen.add(word)
        nearest = max(
            ((_alike(word, other), uses[other], other) for other in frequent), default=None
        )
        if nearest is not None and nearest[0] >= SLIP_RATIO:
            suggestion = _in_the_case_of(shown, nearest[2])
            sentence = f"The title says “{shown}”, a word that the text never uses. Is “{suggestion}” meant?"
            found.append(Finding(FindingCode.TITLE_SLIP, sentence, line=line))
    return found


def _texts(article: ArticlePage) -> Iterator[str]:
    """Yield all words below an article's title, as plain text."""
    yield article.standfirst
    yield plain_text(article.introduction)
    for child in article.body:
        value = child.value
        for name in ("heading", "summary"):
            yield str(value.get(name) or "")
        if child.block_type == "section":
            for block in value["body"]:
                if block.block_type == "text":
                    yield plain_text(block.value.source)
                else:
                    yield block.value["caption"]
            for reference in value["references"]:
                yield reference["citation"]
        else:
            text = value.get("text") or ""
            yield plain_text(getattr(text, "source", text))


def _words(text: str) -> Iterator[str]:
    return (word for _, word in _words_as_written(text))


def _words_as_written(text: str) -> Iterator[tuple[str, str]]:
    """Yield each word as it stands, and as it is compared."""
    for match in _WORD.finditer(unicodedata.normalize("NFC", text)):
        shown = _POSSESSIVE.sub("", match[0])
        yield shown, shown.casefold()


def _counts(word: str) -> bool:
    return SHORTEST_WORD <= len(word) <= _LONGEST_WORD and word not in _STOP_WORDS


def _same_word(word: str, other: str) -> bool:
    shorter, longer = sorted((word, other), key=len)
    return longer.startswith(shorter) and (longer == shorter or longer[len(shorter) :] in _ENDINGS)


def _alike(word: str, other: str) -> float:
    """Return difflib's ratio, the greater of both directions; 0 where it cannot reach the bar."""
    if 2 * min(len(word), len(other)) < SLIP_RATIO * (len(word) + len(other)):
        return 0
    return max(
        SequenceMatcher(None, word, other, autojunk=False).ratio(),
        SequenceMatcher(None, other, word, autojunk=False).ratio(),
    )


def _in_the_case_of(shown: str, word: str) -> str:
    if shown.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if shown[:1].isupper() else word
