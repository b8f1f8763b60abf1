"""Uploaded files and their renditions, read while the site goes on."""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from healthsite.backup import files
from healthsite.backup.archive import CHUNK, Advance, Reader, Sink, Writer
from healthsite.backup.manifest import MEDIA, Member
from healthsite.backup.problem import BackupProblem

# A file that is written to all the time is taken as it was at the last try.
_TRIES = 3


def find(root: Path) -> list[tuple[str, int]]:
    """Return path (from `root`, with slashes) and size of each file; links and the like are left out."""
    return sorted(_walk(root, "")) if root.is_dir() else []


def write(root: Path, names: Sequence[str], writer: Writer, advance: Advance) -> list[str]:
    """Write one member a file, and return a sentence for each that could not be taken as it stood."""
    remarks = []
    for name in names:
        for attempt in range(1, _TRIES + 1):
            try:
                with (root / name).open("rb") as file:
                    is_steady = _write_one(name, file, writer, advance)
            except (FileNotFoundError, NotADirectoryError):
                remarks.append(f"{name} was deleted while the backup was made; it is not in it")
                break
            if is_steady:
                break
            if attempt == _TRIES:
                remarks.append(f"{name} changes all the time; it is in the backup as it was once")
            else:
                writer.drop_last()
    return remarks


def unpack(members: Sequence[Member], reader: Reader, folder: Path, advance: Advance) -> None:
    """Write the media of a backup below a new folder, and have each on the disk before returning."""
    folder.mkdir()
    for member in members:
        target = folder / member.name.removeprefix(MEDIA)
        target.parent.mkdir(parents=True, exist_ok=True)
        # 0644: a web server of another user may serve them.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            for piece in reader.content(member, advance):
                file.write(piece)
            files.sync_file(file)


def is_empty(root: Path) -> bool:
    """Return whether there is no file below the folder."""
    return next(_walk(root, ""), None) is None if root.is_dir() else True


def _write_one(name: str, file: BinaryIO, writer: Writer, advance: Advance) -> bool:
    """Write the file as it is read, and return whether it stayed the same meanwhile."""
    before = os.fstat(file.fileno())
    with writer.member(MEDIA + name) as sink:
        _pour(file, sink, advance)
    after = os.fstat(file.fileno())
    return (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def _pour(file: BinaryIO, sink: Sink, advance: Advance) -> None:
    while piece := file.read(CHUNK):
        sink.write(piece)
        advance(len(piece))


def _walk(root: Path, below: str) -> Iterator[tuple[str, int]]:
    try:
        entries = list(os.scandir(root / below))
    except FileNotFoundError:
        return
    for entry in entries:
        name = f"{below}/{entry.name}" if below else entry.name
        if "\\" in name:
            raise BackupProblem(f"Media {name!r} has a backslash in its name. Rename it.")
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(found.st_mode):
            yield from _walk(root, name)
        elif stat.S_ISREG(found.st_mode):
            yield name, found.st_size
