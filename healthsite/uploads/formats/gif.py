"""GIF (CompuServe, 1989), block by block."""

from healthsite.uploads.formats.base import Broken, Reader, Rewritten

_EXTENSION, _FRAME, _END = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
# Looping, and a colour profile; an XMP packet is an application extension too.
_KEPT_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")


def rewrite(data: bytes) -> Rewritten:
    """Return the picture with its frames and loop, and no comments or metadata; raises Broken."""
    reader = Reader(data)
    header = reader.take(13)
    width, height = int.from_bytes(header[6:8], "little"), int.from_bytes(header[8:10], "little")
    kept = [header, reader.take(_table(header[10]))]
    control = b""
    frames = 0
    while (kind := reader.number(1)) != _END:
        if kind == _EXTENSION:
            label = reader.number(1)
            blocks = _blocks(reader)
            if label == _CONTROL:
                control = bytes([_EXTENSION, label]) + blocks
            elif label == _APPLICATION and blocks[1:12] in _KEPT_APPLICATIONS:
                kept.append(bytes([_EXTENSION, label]) + blocks)
        elif kind == _FRAME:
            frames += 1
            place = reader.take(9)
            left, top, wide, high = (
                int.from_bytes(place[at : at + 2], "little") for at in (0, 2, 4, 6)
            )
            width, height = max(width, left + wide), max(height, top + high)
            table = reader.take(_table(place[8]))
            code_size = reader.take(1)
            kept += [control, b"\x2c", place, table, code_size, _blocks(reader)]
            control = b""
        else:
            raise Broken("no block where one should be")
    if not frames:
        raise Broken("no picture")
    return Rewritten(b"".join(kept) + b"\x3b", width, height, frames=frames)


def _table(flags: int) -> int:
    """Return the length of the colour table that flags tell, in bytes."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(reader: Reader) -> bytes:
    """Return sub-blocks with their lengths, and the empty one that ends them."""
    start = reader.at
    while length := reader.number(1):
        reader.take(length)
    return reader.data[start : reader.at]
