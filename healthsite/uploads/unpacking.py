"""How pictures are unpacked for Wagtail: one at a time, and a broken one costs nobody a page.

Willow is the library that Wagtail asks; its registry is its public way to add to it. Left to itself it
unpacks a whole picture to learn its size.
"""

from typing import Any

from PIL import Image
from wagtail.images.models import SourceImageIOError
from willow.image import (
    AvifImageFile,
    GIFImageFile,
    JPEGImageFile,
    PNGImageFile,
    WebPImageFile,
)
from willow.plugins.pillow import PillowImage
from willow.registry import registry

from healthsite.uploads.pictures import UNREADABLE, unpacking_lock


def connect() -> None:
    """Take the place of Willow's own way from these files to pixels."""
    for kind in (AvifImageFile, GIFImageFile, JPEGImageFile, PNGImageFile, WebPImageFile):
        registry.register_converter(kind, PillowImage, unpack, cost=None)
        registry.register_operation(kind, "get_size", size_of)


def size_of(file: Any) -> tuple[int, int]:
    """Return (width, height) from a file's header."""
    try:
        file.f.seek(0)
        with Image.open(file.f) as image:
            return image.size
    except UNREADABLE as error:
        raise SourceImageIOError(str(error)) from error
    finally:
        file.f.seek(0)


def unpack(file: Any) -> PillowImage:
    """Return a file's pixels; raises SourceImageIOError, which Wagtail's listings and tags know."""
    with unpacking_lock:
        try:
            file.f.seek(0)
            image = Image.open(file.f)
            image.load()
        except UNREADABLE as error:
            raise SourceImageIOError(str(error)) from error
    return PillowImage(image)
