"""Picture files for tests: real ones, and ones made by hand to do harm."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "GIF": "gif"}
# What must not be found in a stored file.
SECRETS = (
    b"SecretMaker",
    b"SecretComment",
    b"SecretXmp",
    b"SecretIptc",
    b"SecretTail",
    b"SecretThumb",
)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def drawing(width: int = 64, height: int = 48) -> Image.Image:
    """Return a picture whose upper left corner is red and whose other corners are blue."""
    image = Image.new("RGB", (width, height), "#0000ff")
    ImageDraw.Draw(image).rectangle((0, 0, width // 2, height // 2), fill="#ff0000")
    return image


def encoded(image: Image.Image | None = None, form: str = "PNG", **options: Any) -> bytes:
    """Return a picture as a file of a format."""
    file = io.BytesIO()
    (image or drawing()).save(file, form, **options)
    return file.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    """Return what a telephone writes: its make, and where it was."""
    data = Image.Exif()
    data[0x010F] = "SecretMaker"
    data[0x0112] = orientation
    place = data.get_ifd(0x8825)
    place[1], place[2] = "N", (51.0, 30.0, 26.0)
    place[3], place[4] = "W", (0.0, 7.0, 39.0)
    return data


def telling(form: str, orientation: int = 1) -> bytes:
    """Return a picture of a format with everything hidden in it that the format has a place for."""
    options: dict[str, Any] = {"exif": exif(orientation), "icc_profile": PROFILE}
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SecretXmp</x:xmpmeta>"
    if form == "JPEG":
        data = encoded(form=form, comment=b"SecretComment", xmp=xmp, quality=95, **options)
        iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x12SecretIptc SecretThumb"
        segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
        return data[:2] + segment + data[2:] + b"SecretTail<script>alert(1)</script>"
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "SecretComment")
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
        return encoded(form=form, pnginfo=text, **options) + b"SecretTail"
    if form == "GIF":
        data = encoded(form=form, comment=b"SecretComment")
        packet = b"\x21\xff\x0bXMP DataXMP" + bytes([len(xmp)]) + xmp + b"\0"
        return data[:-1] + packet + b"\x3bSecretTail"
    return encoded(form=form, xmp=xmp, quality=95, **options) + (
        b"SecretTail" if form == "WEBP" else b"\0\0\0\x12uuidSecretTail"
    )


def upright(data: bytes) -> Image.Image:
    """Return a picture as a browser shows it."""
    from PIL import ImageOps  # noqa: PLC0415  # beside its only use

    image = Image.open(io.BytesIO(data))
    turned = ImageOps.exif_transpose(image)
    return turned.convert("RGB")


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_bomb(side: int = 11_000) -> bytes:
    """Return a real PNG of one bit a pixel: 121 megapixels in about 15 kB."""
    row = b"\0" + bytes((side + 7) // 8)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(row * side, 9))
        + png_chunk(b"IEND", b"")
    )


def gif_of(frames: int, width: int = 16, height: int = 16) -> bytes:
    """Return a GIF of so many frames, each of which says "as before"."""
    start = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return start + frame * frames + b"\x3b"


def animated(form: str, frames: int, width: int = 16, height: int = 16) -> bytes:
    """Return an animation whose frames differ."""
    pictures = [
        Image.new("RGB", (width, height), (number * 97 % 256, number * 31 % 256, 0))
        for number in range(frames)
    ]
    options = {"save_all": True, "append_images": pictures[1:], "duration": 40}
    return encoded(pictures[0], form, **options)
