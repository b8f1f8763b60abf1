"""What front matter says of an article."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from articles.importing.front_matter import Entry
from articles.importing.imported import LONGEST_REVIEWER, LONGEST_STANDFIRST, LONGEST_TITLE
from articles.importing.rich_text import Passage, paragraph
from articles.importing.source import Note

_SLUG = re.compile(r"[-\w]+")
_LONGEST = {
    "title": LONGEST_TITLE,
    "slug": LONGEST_TITLE,
    "standfirst": LONGEST_STANDFIRST,
    "search title": LONGEST_TITLE,
    "search description": 5000,
    "reviewed by": LONGEST_REVIEWER,
}


@dataclass
class Details:
    """What the entries said. Those that said nothing we know are `left_over`, so that none is lost."""

    fields: dict[str, str] = field(default_factory=dict)
    title_line: int | None = None
    reviewed_on: date | None = None
    left_over: list[Passage] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read(entries: Iterable[Entry], *, is_titled: bool) -> Details:
    """Return what entries say; the text is titled where it has a title of its own, which counts."""
    details = Details()
    for entry in entries:
        if not _took(details, entry, is_titled=is_titled):
            details.left_over.append(paragraph(entry.source))
            sentence = f"“{entry.source}” is kept as text at the end of the introduction."
            details.notes.append(Note(entry.line, sentence))
    return details


def _took(details: Details, entry: Entry, *, is_titled: bool) -> bool:
    name, value = entry.name, entry.value.strip()
    if not value:
        return True
    if name == "reviewed on":
        try:
            details.reviewed_on = date.fromisoformat(value)
        except ValueError:
            return False
        sentence = f"The text says that it was medically reviewed on {value}. Make sure of it."
        details.notes.append(Note(entry.line, sentence))
        return True
    if name in details.fields or len(value) > _LONGEST.get(name, 0):
        return False
    if name == "slug" and not _SLUG.fullmatch(value):
        return False
    if name == "title":
        if is_titled:
            return False
        details.title_line = entry.line
    details.fields[name] = value
    return True
