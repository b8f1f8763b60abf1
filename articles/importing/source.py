"""From a file's bytes to text: what is no text is refused, with its line and the reason."""

import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath

LARGEST_SOURCE = 5_000_000  # bytes
STDIN = "-"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_C1_CONTROL = re.compile("[\x80-\x84\x86-\x9f]")
# They turn the order of what a reader sees, past the end of the text that they stand in.
_TURNS_TEXT = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNREADABLE = "\ufffd"
# Every way to end a line, and page breaks of old printers' files.
_OTHER_BREAKS = str.maketrans(dict.fromkeys("\v\f\x85\u2028\u2029", " "))
_SUFFIXES = {".md": "markdown", ".markdown": "markdown", ".txt": "text", ".text": "text"}


class SourceFormat(StrEnum):
    """How an article is written down."""

    TEXT = "text"
    MARKDOWN = "markdown"


class ImportRefused(ValueError):
    """A source that no article is made from; nothing was created. Lines count from 1."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"Line {line}: {reason}")
        self.reason = reason
        self.line = line


@dataclass(frozen=True)
class Note:
    """Something that a person should know of what was understood; `line` counts from 1."""

    line: int | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence if self.line is None else f"Line {self.line}: {self.sentence}"


@dataclass(frozen=True)
class Source:
    """An article's text, its lines ended by a line feed alone."""

    text: str
    notes: tuple[Note, ...] = ()


def format_of(name: str) -> SourceFormat | None:
    """Return the format that a file's name tells, or None."""
    suffix = PurePath(name).suffix.lower()
    return SourceFormat(_SUFFIXES[suffix]) if suffix in _SUFFIXES else None


def read_file(name: str) -> bytes:
    """Return a file's bytes (`-` is standard input); raises ImportRefused, also where it is too large."""
    if name == STDIN:
        return _not_too_large(sys.stdin.buffer.read(LARGEST_SOURCE + 1))
    try:
        # No more than one byte too many is ever read, whatever size the file claims.
        with Path(name).open("rb") as file:
            return _not_too_large(file.read(LARGEST_SOURCE + 1))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ImportRefused(f"{name} cannot be read: {reason}.") from error


def source_from_bytes(data: bytes) -> Source:
    """Return the text of a file; raises ImportRefused for what is too large, binary or not UTF-8."""
    _not_too_large(data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ImportRefused("The text is UTF-16, not UTF-8. Save it as UTF-8.", 1)
    if found := _CONTROL.search(data):
        raise ImportRefused(
            f"This is not a text file: there is a control character (0x{data[found.start()]:02X}).",
            _line_at(data, found.start()),
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(
            f"This is not UTF-8: the byte 0x{data[error.start]:02X} cannot be read. Save the file as UTF-8.",
            _line_at(data, error.start),
        ) from error
    return source_from_text(text)


def source_from_text(text: str) -> Source:
    """Return pasted text made ready; raises ImportRefused as for a file."""
    encoded = text.encode(errors="replace")
    _not_too_large(encoded)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    text = text.translate(_OTHER_BREAKS)
    if found := _CONTROL.search(encoded):
        raise ImportRefused(
            f"This is not plain text: there is a control character (0x{encoded[found.start()]:02X}).",
            _line_at(encoded, found.start()),
        )
    if control := _C1_CONTROL.search(text):
        raise ImportRefused(
            f"This is not plain text: there is a control character (U+{ord(control[0]):04X}).",
            text.count("\n", 0, control.start()) + 1,
        )
    if not text.strip():
        raise ImportRefused("There is nothing to import: the text is empty.")
    return _without_turns(text)


def _without_turns(text: str) -> Source:
    notes = []
    if _UNREADABLE in text or _TURNS_TEXT.search(text):
        for number, line in enumerate(text.split("\n"), 1):
            if _UNREADABLE in line:
                sentence = (
                    "A character was lost before the import (“\ufffd”). Compare with the original."
                )
                notes.append(Note(number, sentence))
            if _TURNS_TEXT.search(line):
                sentence = "A hidden character that turns the direction of text was taken out."
                notes.append(Note(number, sentence))
        text = _TURNS_TEXT.sub("", text)
    return Source(text, tuple(notes))


def _not_too_large(data: bytes) -> bytes:
    if len(data) > LARGEST_SOURCE:
        megabytes = LARGEST_SOURCE // 1_000_000
        lines = data.count(b"\n", 0, LARGEST_SOURCE) + 1
        raise ImportRefused(f"The text is over {megabytes} MB ({LARGEST_SOURCE:,} bytes).", lines)
    return data


def _line_at(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def recognised_format(text: str) -> SourceFormat:
    """Return the format that a text without a file name most likely has."""
    for line in text.split("\n"):
        if line.strip():
            is_markdown = line.startswith("# ") or line.rstrip() == "---"
            return SourceFormat.MARKDOWN if is_markdown else SourceFormat.TEXT
    return SourceFormat.TEXT
