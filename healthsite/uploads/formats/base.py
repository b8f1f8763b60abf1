"""What all formats share."""

import struct
from dataclasses import dataclass


class Broken(Exception):
    """The file is cut short, or is not built as its format says."""


@dataclass(frozen=True)
class Rewritten:
    """A picture without anything hidden in it, and what its headers promise.

    Sizes are in pixels, of the largest canvas that the file declares; `frames` is 1 for a still picture.
    """

    content: bytes
    width: int
    height: int
    frames: int


class Reader:
    """Bytes read from front to back; asking for more than there are raises Broken."""

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def take(self, number: int) -> bytes:
        """Return the next bytes."""
        start, self.at = self.at, self.at + number
        if number < 0 or self.at > self.end:
            raise Broken("cut short")
        return self.data[start : self.at]

    def number(self, size: int, *, little: bool = False) -> int:
        """Return the next unsigned number of so many bytes."""
        return int.from_bytes(self.take(size), "little" if little else "big")

    @property
    def left(self) -> int:
        """Return how many bytes are left."""
        return self.end - self.at


def orientation(exif: bytes) -> int:
    """Return the orientation (1 to 8) that Exif data in TIFF form tells; 1 is upright, and the default."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, at)
        for index in range(entries):
            tag, kind, count = struct.unpack_from(f"{order}HHI", exif, at + 2 + index * 12)
            if (tag, kind, count) == (0x0112, 3, 1):
                (value,) = struct.unpack_from(f"{order}H", exif, at + 10 + index * 12)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def exif_of(orientation: int) -> bytes:
    """Return Exif data in TIFF form that tells the orientation and nothing else."""
    return struct.pack("<2sHIHHHIHHI", b"II", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
