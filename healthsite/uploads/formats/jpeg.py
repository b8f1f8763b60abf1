"""JPEG (ITU-T T.81; JFIF; Exif 2.32), segment by segment."""

from healthsite.uploads.formats.base import Broken, Reader, Rewritten, exif_of, orientation

# Honest progressive pictures have about ten; each scan is another walk over all pixels.
MOST_SCANS = 100

_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_START, _END, _SCAN, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE


def rewrite(data: bytes) -> Rewritten:
    """Return the picture with its colour profile and orientation, and no other metadata; raises Broken."""
    reader = Reader(data, at=2)
    kept: list[bytes] = []
    jfif = b""
    turned = 1
    size: tuple[int, int] | None = None
    scans = 0
    while True:
        marker = _marker(reader)
        if marker == _END:
            break
        if marker in _STANDALONE:
            continue
        if marker == _START:
            raise Broken("a picture in a picture")
        length = reader.number(2)
        segment = reader.take(length - 2)
        if marker in _FRAME_HEADERS:
            if size is not None or len(segment) < 6:
                raise Broken("two pictures in one")
            size = int.from_bytes(segment[3:5]), int.from_bytes(segment[1:3])
        if marker == 0xE0 and segment.startswith(b"JFIF\0") and not jfif:
            # Without the thumbnail that it may carry.
            jfif = _segment(0xE0, segment[:12].ljust(12, b"\0") + b"\0\0")
        elif marker == 0xE1 and segment.startswith(b"Exif\0"):
            turned = orientation(segment[6:])
        elif _is_needed(marker, segment):
            kept.append(_segment(marker, segment))
        if marker == _SCAN:
            scans += 1
            if scans > MOST_SCANS:
                raise Broken("too many scans")
            kept.append(_scan(reader))
    if size is None or not scans:
        raise Broken("no picture")
    exif = _segment(0xE1, b"Exif\0\0" + exif_of(turned)) if turned != 1 else b""
    content = b"".join([b"\xff\xd8", jfif, exif, *kept, b"\xff\xd9"])
    return Rewritten(content, *size, frames=1)


def _is_needed(marker: int, segment: bytes) -> bool:
    if marker == _COMMENT:
        return False
    if 0xE0 <= marker <= 0xEF:
        profile = marker == 0xE2 and segment.startswith(b"ICC_PROFILE\0")
        colours = marker == 0xEE and segment.startswith(b"Adobe")
        return profile or colours
    return True


def _marker(reader: Reader) -> int:
    if reader.number(1) != 0xFF:
        raise Broken("no marker where one should be")
    marker = 0xFF
    while marker == 0xFF:
        marker = reader.number(1)
    if marker == 0:
        raise Broken("no marker where one should be")
    return marker


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2) + content


def _scan(reader: Reader) -> bytes:
    """Return entropy-coded data up to the marker that ends it."""
    start = at = reader.at
    while True:
        at = reader.data.find(b"\xff", at, reader.end)
        if at < 0 or at + 1 >= reader.end:
            raise Broken("cut short")
        following = reader.data[at + 1]
        if following != 0 and not 0xD0 <= following <= 0xD7 and following != 0xFF:
            reader.at = at
            return reader.data[start:at]
        at += 1 if following == 0xFF else 2
