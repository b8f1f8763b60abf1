"""What a document must be to be stored: what its name says it is."""

import io
import zipfile
from collections.abc import Callable
from types import MappingProxyType
from typing import BinaryIO

# An honest office document or archive has a list of contents far below this; in bytes.
LONGEST_LIST = 2_000_000
# What systems run or browsers show as a page; "invoice.exe.pdf" is meant to be mistaken.
_RUNNABLE = frozenset(
    [
        "apk",
        "app",
        "bat",
        "bin",
        "class",
        "cmd",
        "com",
        "cpl",
        "dll",
        "dmg",
        "exe",
        "hta",
        "htm",
        "html",
        "jar",
        "js",
        "jse",
        "lnk",
        "mht",
        "mhtml",
        "msi",
        "php",
        "pif",
        "pl",
        "ps1",
        "py",
        "scr",
        "sh",
        "svg",
        "svgz",
        "vb",
        "vbe",
        "vbs",
        "wsf",
        "xht",
        "xhtml",
        "xml",
    ]
)
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
)
_MARKUP = (
    b"<!doctype",
    b"<html",
    b"<head",
    b"<body",
    b"<script",
    b"<svg",
    b"<?xml",
    b"<iframe",
    b"<!--",
)


class Unusable(Exception):
    """The file is no document for this site; its message is a sentence for the person who uploads it."""


def check(name: str, file: BinaryIO) -> None:
    """Raise Unusable for a name made to mislead, or for content that its extension contradicts.

    The file is left at its beginning. Extensions that are not known here are somebody else's to refuse.
    """
    *inner, extension = name.lower().split(".")
    misleading = _RUNNABLE.intersection(inner[1:])
    if misleading:
        raise Unusable(
            f"The name “{name}” has “.{min(misleading)}” in its middle, so that it could be mistaken for "
            "something that runs. Rename the file and upload it again."
        )
    test = _TESTS.get(extension)
    file.seek(0)
    if test is not None and not test(file):
        raise Unusable(
            f"This file's name ends in “.{extension}”, but its content is something else. Save it as "
            f"{extension.upper()} and upload it again."
        )
    file.seek(0)


def _is_pdf(file: BinaryIO) -> bool:
    return file.read(5) == b"%PDF-"


def _is_text(file: BinaryIO) -> bool:
    beginning = file.read(4096)
    if beginning.startswith(_PROGRAMS) or beginning.startswith((b"%PDF-", b"PK\x03\x04")):
        return False
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        # As some spreadsheets save text. Read as such, it may still be a page.
        text = beginning.decode("utf-16", "ignore").encode()
    else:
        text = beginning.removeprefix(b"\xef\xbb\xbf")
        file.seek(0)
        if any(b"\0" in part for part in iter(lambda: file.read(65_536), b"")):
            return False
    return not text.lstrip().lower().startswith(_MARKUP)


def _contents(file: BinaryIO) -> dict[str, zipfile.ZipInfo] | None:
    """Return what an archive holds by name, without unpacking any; None for what is none."""
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(4) not in {b"PK\x03\x04", b"PK\x05\x06"}:
        return None
    file.seek(max(0, end - 66_000))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or int.from_bytes(tail[at + 12 : at + 16], "little") > LONGEST_LIST:
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            return {info.filename: info for info in archive.infolist()}
    # What zipfile raises for a broken list; NotImplementedError for one that wants a later version of the
    # format than it knows (ZipFile._RealGetContents), which is no archive that a reader could open either.
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeDecodeError):
        return None


def _is_zip(file: BinaryIO) -> bool:
    return _contents(file) is not None


def _is_office(folder: str) -> Callable[[BinaryIO], bool]:
    def test(file: BinaryIO) -> bool:
        names = _contents(file) or {}
        return "[Content_Types].xml" in names and any(name.startswith(folder) for name in names)

    return test


def _is_odt(file: BinaryIO) -> bool:
    kind = (_contents(file) or {}).get("mimetype")
    if kind is None or kind.file_size > 100 or kind.compress_type != zipfile.ZIP_STORED:
        return False
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        try:
            return archive.read(kind) == b"application/vnd.oasis.opendocument.text"
        # Likewise for one entry; NotImplementedError for encryption or patches that it does not know (ZipFile.open).
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            return False


_TESTS: MappingProxyType[str, Callable[[BinaryIO], bool]] = MappingProxyType(
    {
        "csv": _is_text,
        "docx": _is_office("word/"),
        "odt": _is_odt,
        "pdf": _is_pdf,
        "txt": _is_text,
        "xlsx": _is_office("xl/"),
        "zip": _is_zip,
    }
)
