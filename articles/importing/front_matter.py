"""The lines between `---` at the top of a Markdown file: `name: value`, one a line."""

import json
import re
from dataclasses import dataclass

_LINE = re.compile(r"(?P<name>[A-Za-z][\w -]{0,40}):(?:[ \t]+(?P<value>.*))?")
# Written without quotes, and read back as they are, here and by other programs that read YAML.
_SIMPLE = re.compile(r"[A-Za-z0-9](?:[^\s:#\"'`\\][ ]?)*[^\s:#\"'`\\]|[A-Za-z0-9]")
_FENCE = "---"


@dataclass(frozen=True)
class Entry:
    """One line."""

    name: str  # lower case
    value: str
    line: int
    source: str  # as it stands in the file


def split(text: str) -> tuple[list[Entry], str, int]:
    """Return (entries, the text below, how many lines stand above it); no front matter gives no entry."""
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        return [], text, 0
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], 2):
        if line.rstrip() == _FENCE:
            return entries, "\n".join(lines[number:]), number
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            return [], text, 0  # a rule between paragraphs, then
        entries.append(
            Entry(
                match["name"].lower(), _value((match["value"] or "").strip()), number, line.strip()
            )
        )
    return [], text, 0


def write(values: dict[str, str]) -> str:
    """Return front matter that `split` reads back, or nothing; empty values are left out."""
    lines = [f"{name}: {_written(value)}" for name, value in values.items() if value]
    return "\n".join([_FENCE, *lines, _FENCE, "", ""]) if lines else ""


def _value(written: str) -> str:
    if written.startswith('"'):
        try:
            value = json.loads(written)
        except ValueError:
            return written
        return value if isinstance(value, str) else written
    return written


def _written(value: str) -> str:
    return value if _SIMPLE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
