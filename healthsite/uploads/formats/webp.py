"""WebP (RFC 9649), chunk by chunk."""

from collections.abc import Iterator

from healthsite.uploads.formats.base import Broken, Reader, Rewritten, exif_of, orientation

_EXTENDED, _LOSSY, _LOSSLESS, _ALPHA = b"VP8X", b"VP8 ", b"VP8L", b"ALPH"
_PROFILE, _ANIMATION, _FRAME, _EXIF = b"ICCP", b"ANIM", b"ANMF", b"EXIF"
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


def rewrite(data: bytes) -> Rewritten:
    """Return the picture with its profile, frames and orientation, no other metadata; raises Broken."""
    length = int.from_bytes(data[4:8], "little")
    if length + 8 > len(data) or length < 4:
        raise Broken("cut short")
    kept: list[tuple[bytes, bytes]] = []
    turned, frames = 1, 0
    width = height = 0
    for kind, content in _chunks(data, 12, length + 8):
        if kind == _EXIF:
            turned = orientation(content.removeprefix(b"Exif\0\0"))
        elif kind == _FRAME:
            frames += 1
            kept.append((kind, _frame(content)))
        elif kind in {_EXTENDED, _LOSSY, _LOSSLESS}:
            wide, high = _size(kind, content)
            width, height = max(width, wide), max(height, high)
            kept.append((kind, content))
        elif kind in {_ALPHA, _PROFILE, _ANIMATION}:
            kept.append((kind, content))
    kinds = {kind for kind, _ in kept}
    if not kinds & {_LOSSY, _LOSSLESS, _FRAME}:
        raise Broken("no picture")
    # A simple file has no place to tell an orientation, and none to hide one.
    if kept[0][0] == _EXTENDED:
        flags = kept[0][1][0] & ~(_EXIF_FLAG | _XMP_FLAG)
        if turned != 1:
            flags |= _EXIF_FLAG
            kept.append((_EXIF, exif_of(turned)))
        kept[0] = _EXTENDED, bytes([flags]) + kept[0][1][1:]
    body = b"WEBP" + b"".join(_chunk(kind, content) for kind, content in kept)
    return Rewritten(
        b"RIFF" + len(body).to_bytes(4, "little") + body, width, height, frames=max(1, frames)
    )


def _chunks(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    reader = Reader(data, start, end)
    while reader.left >= 8:
        kind = reader.take(4)
        length = reader.number(4, little=True)
        yield kind, reader.take(length)
        if length % 2 and reader.left:
            reader.take(1)


def _frame(content: bytes) -> bytes:
    """Return a frame of an animation with its pixels alone."""
    if len(content) < 16:
        raise Broken("cut short")
    inner = [
        _chunk(kind, pixels)
        for kind, pixels in _chunks(content, 16, len(content))
        if kind in {_ALPHA, _LOSSY, _LOSSLESS}
    ]
    return content[:16] + b"".join(inner)


def _size(kind: bytes, content: bytes) -> tuple[int, int]:
    if len(content) < 10 and not (kind == _LOSSLESS and len(content) >= 5):
        raise Broken("cut short")
    if kind == _EXTENDED:
        width = int.from_bytes(content[4:7], "little") + 1
        return width, int.from_bytes(content[7:10], "little") + 1
    if kind == _LOSSY:
        width = int.from_bytes(content[6:8], "little") & 0x3FFF
        return width, int.from_bytes(content[8:10], "little") & 0x3FFF
    bits = int.from_bytes(content[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)
