"""The file of a backup: a plain tar, so that any tool can list it.

Members are written as they come and their headers afterwards, so nothing is staged to learn its size. The
reader takes what the writer writes and nothing else a tar can hold: no links, devices, folders, sparse
files or extended headers.
"""

import hashlib
import os
import tarfile
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from healthsite.backup import manifest as manifests
from healthsite.backup.manifest import Manifest, Member
from healthsite.backup.problem import Damaged

CHUNK = 1 << 20
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_LONGEST_NAME = 8192
_LARGEST_MANIFEST = 512 << 20
# Little slower than copying, and most of what higher levels save.
_GZIP_LEVEL, _GZIP_WINDOW = 3, 31


class Advance(Protocol):
    """Be told how many bytes more are done."""

    def __call__(self, count: int, /) -> None: ...


class Sink:
    """Where the content of one member is written; it is packed and hashed on the way."""

    def __init__(self, file: BinaryIO, *, packed: bool) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._packer = (
            zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW) if packed else None
        )
        self.size = self.unpacked = 0

    def write(self, data: bytes | memoryview) -> None:
        """Write the next bytes of the content."""
        self.unpacked += len(data)
        self._store(self._packer.compress(data) if self._packer else data)

    def close(self) -> str:
        """Write what is still held back, and return the hash."""
        if self._packer:
            self._store(self._packer.flush())
        return self._digest.hexdigest()

    def _store(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)


class Writer:
    """Write members one after the other, then the manifest."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._starts: list[int] = []
        self.members: list[Member] = []

    @contextmanager
    def member(self, name: str) -> Iterator[Sink]:
        """Open the next member for its content."""
        start = self._file.tell()
        self._file.write(_header(name, 0))
        sink = Sink(self._file, packed=not name.startswith(manifests.MEDIA))
        yield sink
        sha256 = sink.close()
        self._finish(name, start, sink.size)
        self._starts.append(start)
        self.members.append(Member(name, sink.size, sink.unpacked, sha256))

    def drop_last(self) -> None:
        """Take the last member back."""
        self.members.pop()
        self._file.seek(self._starts.pop())
        self._file.truncate()

    def close(self, manifest: Manifest) -> None:
        """Write the manifest and the end."""
        start, raw = self._file.tell(), manifest.as_json()
        self._file.write(_header(manifests.NAME, 0))
        self._file.write(raw)
        self._finish(manifests.NAME, start, len(raw))
        self._file.write(_END)

    def _finish(self, name: str, start: int, size: int) -> None:
        self._file.write(bytes(-size % _BLOCK))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_header(name, size))
        self._file.seek(end)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(time.time())
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


@dataclass(frozen=True)
class _Found:
    name: str
    offset: int
    size: int


class Reader:
    """Read a backup whose members are exactly those of its manifest; raises Damaged otherwise."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = os.fstat(file.fileno()).st_size
        *found, last = self._scan()
        if last.name != manifests.NAME:
            raise Damaged("The last member of the file is not a manifest: this is no backup.")
        if last.size > _LARGEST_MANIFEST:
            raise Damaged("The manifest of the backup is too large to be one.")
        self._file.seek(last.offset)
        self.manifest = manifests.parse(self._file.read(last.size))
        self._found = self._matched(found)

    def content(self, member: Member, advance: Advance) -> Iterator[bytes]:
        """Yield the unpacked content; raises Damaged, at the latest at its end, where it is another."""
        digest, unpacked = hashlib.sha256(), 0
        for piece in self._unpacked(member, digest, advance):
            unpacked += len(piece)
            if unpacked > member.unpacked:
                raise Damaged(f"{member.name} unpacks to more than the manifest says.")
            yield piece
        if digest.hexdigest() != member.sha256 or unpacked != member.unpacked:
            raise Damaged(f"{member.name} is not what was backed up: its content was changed.")

    def _unpacked(
        self, member: Member, digest: "hashlib._Hash", advance: Advance
    ) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(_GZIP_WINDOW) if member.is_packed else None
        for stored in self._stored(self._found[member.name], advance):
            digest.update(stored)
            if unpacker is None:
                yield stored
                continue
            waiting = stored
            try:
                # In small pieces: a bomb is noticed before it has filled the memory.
                while waiting and not unpacker.eof:
                    yield unpacker.decompress(waiting, CHUNK)
                    waiting = unpacker.unconsumed_tail
            except zlib.error as error:
                raise Damaged(f"{member.name} cannot be unpacked: it was changed.") from error
            if unpacker.unused_data:
                raise Damaged(f"{member.name} goes on after its end.")
        if unpacker is not None and not unpacker.eof:
            raise Damaged(f"{member.name} ends too early.")

    def _stored(self, found: _Found, advance: Advance) -> Iterator[bytes]:
        self._file.seek(found.offset)
        left = found.size
        while left:
            piece = self._file.read(min(CHUNK, left))
            if not piece:
                raise Damaged("The file ends too early: it was cut off.")
            left -= len(piece)
            advance(len(piece))
            yield piece

    def _matched(self, found: Sequence[_Found]) -> dict[str, _Found]:
        named = [(one.name, one.size) for one in found]
        wanted = [(member.name, member.size) for member in self.manifest.members]
        if named != wanted:
            odd = next((a for a, b in zip(named, wanted, strict=False) if a != b), None)
            longer = max(named, wanted, key=len)
            name = odd[0] if odd else longer[min(len(named), len(wanted))][0]
            raise Damaged(f"The members differ from the manifest, first at {name[:200]!r}.")
        return {one.name: one for one in found}

    def _scan(self) -> list[_Found]:
        """Return all members by their headers alone."""
        self._file.seek(0)
        found: list[_Found] = []
        while (one := self._next()) is not None:
            found.append(one)
        if not found:
            raise Damaged("The file is empty: it is no backup.")
        return found

    def _next(self) -> _Found | None:
        info, long_name = self._header(), None
        if info is None:
            return None
        if info.type == tarfile.GNUTYPE_LONGNAME and info.size <= _LONGEST_NAME:
            raw = self._file.read(info.size + -info.size % _BLOCK)[: info.size]
            long_name = raw.rstrip(b"\0").decode("utf-8", "surrogateescape")
            info = self._header()
        if info is None or info.type != tarfile.REGTYPE:
            kind = "nothing" if info is None else f"{info.name[:200]!r}, not a plain file"
            raise Damaged(
                f"The backup holds {kind} where a file must be: nobody's backup has that."
            )
        one = _Found(long_name or info.name, self._file.tell(), info.size)
        after = one.offset + one.size + -one.size % _BLOCK
        if after > self._end:
            raise Damaged("The file ends in the middle: it was cut off. Copy it again.")
        self._file.seek(after)
        return one

    def _header(self) -> tarfile.TarInfo | None:
        block = self._file.read(_BLOCK)
        if len(block) < _BLOCK:
            raise Damaged("The file ends without its manifest: it was cut off. Copy it again.")
        if block == bytes(_BLOCK):
            if self._file.read(_BLOCK) != bytes(_BLOCK) or self._file.read(1):
                raise Damaged("Something follows the end of the backup, or its end is missing.")
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.TarError as error:
            raise Damaged("The file is not a backup, or was changed.") from error
        if info.size < 0:
            raise Damaged("The file is not a backup, or was changed.")
        return info
