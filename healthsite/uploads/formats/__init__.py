"""The picture formats that are taken, each rewritten without a pixel being touched.

Each module knows one format, and its function `rewrite(data)` keeps what a picture needs to look right and
drops everything else: Exif, XMP, IPTC, comments, thumbnails, whatever follows the picture's end. Nothing is
decoded here, so a bomb costs nothing.
"""

from collections.abc import Callable
from types import MappingProxyType

from healthsite.uploads.formats import avif, gif, jpeg, png, webp
from healthsite.uploads.formats.base import Broken, Rewritten

# By Pillow's name of the format.
REWRITERS: MappingProxyType[str, Callable[[bytes], Rewritten]] = MappingProxyType(
    {
        "JPEG": jpeg.rewrite,
        "PNG": png.rewrite,
        "GIF": gif.rewrite,
        "WEBP": webp.rewrite,
        "AVIF": avif.rewrite,
    }
)


def format_of(data: bytes) -> str | None:
    """Return Pillow's name of a picture's format by its first bytes, or None for anything else."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(png.SIGNATURE):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:12] in {b"ftypavif", b"ftypavis"}:
        return "AVIF"
    return None


__all__ = ["REWRITERS", "Broken", "Rewritten", "format_of"]
