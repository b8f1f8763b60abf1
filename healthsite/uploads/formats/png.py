"""PNG and APNG (W3C, third edition), chunk by chunk."""

from zlib import crc32

from healthsite.uploads.formats.base import Broken, Reader, Rewritten, exif_of, orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Pixels, palette, transparency, colours and animation; not text, time, Exif or anything private.
_KEPT = {
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP",
    b"mDCV", b"cLLI", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT",
}  # fmt: skip


def rewrite(data: bytes) -> Rewritten:
    """Return the picture with its colours and orientation, and no other metadata; raises Broken."""
    reader = Reader(data, at=len(SIGNATURE))
    kept: list[bytes] = []
    turned, frames = 1, 0
    size: tuple[int, int] | None = None
    has_pixels = False
    while True:
        length = reader.number(4)
        kind = reader.take(4)
        content = reader.take(length)
        if reader.number(4) != crc32(kind + content):
            raise Broken("a checksum does not match")
        if (size is None) != (kind == b"IHDR") or (kind == b"IHDR" and length != 13):
            raise Broken("no header, or two")
        if kind == b"IHDR":
            size = int.from_bytes(content[:4]), int.from_bytes(content[4:8])
        elif kind == b"eXIf":
            turned = orientation(content)
        elif kind == b"fcTL":
            frames += 1
        elif kind == b"IDAT":
            has_pixels = True
        if kind in _KEPT:
            kept.append(_chunk(kind, content))
        if kind == b"IEND":
            break
    if size is None or not has_pixels:
        raise Broken("no picture")
    if turned != 1:
        kept.insert(1, _chunk(b"eXIf", exif_of(turned)))
    return Rewritten(SIGNATURE + b"".join(kept), *size, frames=max(1, frames))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + crc32(kind + content).to_bytes(4)
