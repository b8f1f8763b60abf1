"""AVIF (AV1 Image File Format 1.1, on ISO/IEC 14496-12 and 23008-12), box by box.

Everything in such a file is found by its offset, so nothing can be taken out; what is hidden in it is
overwritten where it stands. Orientation is a property of the picture (`irot`, `imir`), not of its Exif.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from healthsite.uploads.formats.base import Broken, Reader, Rewritten

# Pixels coded as AV1, put together from tiles, laid over each other, or tone-mapped.
_PICTURE_ITEMS = {b"av01", b"grid", b"iovl", b"tmap", b"iden"}
_KEPT_AT_TOP = {b"ftyp", b"meta", b"mdat", b"free", b"skip"}
_KEPT_IN_META = {
    b"hdlr", b"pitm", b"iloc", b"iinf", b"iref", b"iprp", b"idat", b"grpl", b"dinf"
}  # fmt: skip
# Exif without an entry, after its offset of four bytes.
_EMPTY_EXIF = b"\0\0\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"


@dataclass(frozen=True)
class _Box:
    kind: bytes
    start: int  # of the whole box
    content: int
    end: int


def rewrite(data: bytes) -> Rewritten:
    """Return the picture with whatever is no pixel, profile or turn blanked; raises Broken."""
    content = bytearray(data)
    top = list(_boxes(data, 0, len(data)))
    kinds = [box.kind for box in top]
    if kinds.count(b"meta") != 1:
        raise Broken("no picture, or several")
    if b"moov" in kinds or data[8:12] == b"avis":
        # Its frames are counted by nobody who does not decode them.
        raise Broken("an animated AVIF")
    for box in top:
        if box.kind not in _KEPT_AT_TOP or box.kind in {b"free", b"skip"}:
            _blank(content, box)
    meta = top[kinds.index(b"meta")]
    inner = list(_boxes(data, meta.content + 4, meta.end))
    for box in inner:
        if box.kind not in _KEPT_IN_META:
            _blank(content, box)
    by_kind = {box.kind: box for box in inner}
    try:
        items = _item_kinds(data, by_kind[b"iinf"])
        places = _item_places(data, by_kind[b"iloc"], by_kind.get(b"idat"))
        width, height = _size(data, by_kind[b"iprp"])
    except KeyError as error:
        raise Broken("a box is missing") from error
    blanked = 0
    for item, kind in items.items():
        if kind not in _PICTURE_ITEMS:
            for start, length in places.get(item, []):
                blanked += length
                if blanked > len(data):
                    raise Broken("items that lie upon each other")
                _overwrite(content, start, length, kind)
    return Rewritten(bytes(content), width, height, frames=1)


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    while start < end:
        reader = Reader(data, start, end)
        length, kind = reader.number(4), reader.take(4)
        if length == 1:
            length = reader.number(8)
        elif length == 0:
            length = end - start
        if start + length > end or start + length < reader.at:
            raise Broken("cut short")
        yield _Box(kind, start, reader.at, start + length)
        start += length


def _blank(content: bytearray, box: _Box) -> None:
    content[box.start + 4 : box.start + 8] = b"free"
    content[box.content : box.end] = bytes(box.end - box.content)


def _overwrite(content: bytearray, start: int, length: int, kind: bytes) -> None:
    if start + length > len(content):
        raise Broken("cut short")
    filling = b" " * length if kind == b"mime" else bytes(length)
    if kind == b"Exif" and length >= len(_EMPTY_EXIF):
        filling = _EMPTY_EXIF.ljust(length, b"\0")
    content[start : start + length] = filling


def _item_kinds(data: bytes, box: _Box) -> dict[int, bytes]:
    reader = Reader(data, box.content, box.end)
    version = reader.number(4) >> 24
    reader.number(4 if version else 2)
    kinds: dict[int, bytes] = {}
    for entry in _boxes(data, reader.at, box.end):
        inner = Reader(data, entry.content, entry.end)
        version = inner.number(4) >> 24
        if entry.kind != b"infe" or version not in {2, 3}:
            raise Broken("an item that is none")
        item = inner.number(4 if version == 3 else 2)
        inner.take(2)
        kinds[item] = inner.take(4)
    return kinds


def _item_places(data: bytes, box: _Box, idat: _Box | None) -> dict[int, list[tuple[int, int]]]:
    """Return where each item's bytes lie: (start in the file, length)."""
    reader = Reader(data, box.content, box.end)
    version = reader.number(4) >> 24
    sizes = reader.number(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    wide = 4 if version == 2 else 2
    places: dict[int, list[tuple[int, int]]] = {}
    for _ in range(reader.number(wide)):
        item = reader.number(wide)
        method = reader.number(2) & 15 if version else 0
        reader.take(2)
        if method > 1 or (method == 1 and idat is None):
            raise Broken("an item made of others")
        origin = reader.number(base) + (idat.content if method == 1 and idat else 0)
        extents = []
        for _ in range(reader.number(2)):
            if version and index:
                reader.take(index)
            start = origin + reader.number(offset)
            extents.append((start, reader.number(length) or len(data) - start))
        places[item] = extents
    return places


def _size(data: bytes, properties: _Box) -> tuple[int, int]:
    """Return the largest size that any picture in the file declares."""
    sizes = [
        (Reader(data, box.content + 4, box.end).number(4), Reader(data, box.content + 8, box.end).number(4))
        for container in _boxes(data, properties.content, properties.end)
        if container.kind == b"ipco"
        for box in _boxes(data, container.content, container.end)
        if box.kind == b"ispe"
    ]  # fmt: skip
    if not sizes:
        raise Broken("no size")
    return max(sizes, key=lambda size: size[0] * size[1])
