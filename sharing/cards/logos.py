"""A logo of the site's own, made ready for a card."""

import io
import struct
import warnings

from PIL import Image, UnidentifiedImageError

from sharing.cards.colour import PAPER, Colour, contrast

LARGEST_FILE = 20_000_000  # bytes
MOST_PIXELS = 40_000_000
# Of a logo's pixels and its ground: shapes need less than text does.
_LEAST_CONTRAST = 2.0
_FORMATS = ("AVIF", "GIF", "JPEG", "PNG", "WEBP")


class UnusableLogo(Exception):
    """The picture cannot be drawn: broken, too large, or of a format that is none."""


def open_logo(data: bytes, width: int, height: int) -> Image.Image:
    """Return a picture (RGBA, without its empty margins) scaled into a box; raises UnusableLogo."""
    if len(data) > LARGEST_FILE:
        raise UnusableLogo(f"the logo has {len(data)} bytes; {LARGEST_FILE} are the most")
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is refused by its size just below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                raise UnusableLogo(f"the logo is {picture.width} by {picture.height} pixels large")
            picture = picture.convert("RGBA")
    except UnidentifiedImageError as error:
        raise UnusableLogo("the logo is no picture of pixels") from error
    # Pillow's decoders raise whatever a broken file makes them meet.
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError,
            OverflowError, MemoryError, Image.DecompressionBombError) as error:  # fmt: skip
        raise UnusableLogo(f"the logo cannot be read: {error}") from error
    inked = picture.getchannel("A").getbbox()
    if inked is None:
        raise UnusableLogo("the logo is wholly transparent")
    picture = picture.crop(inked)
    scale = min(width / picture.width, height / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.LANCZOS)


def reads_on(logo: Image.Image, ground: Colour = PAPER) -> bool:
    """Tell whether a logo stands out from a ground: a tenth of what is opaque in it does."""
    small = logo.resize((48, max(1, 48 * logo.height // logo.width)), Image.Resampling.NEAREST)
    pixels = struct.iter_unpack("4B", small.tobytes())
    opaque = [(red, green, blue) for red, green, blue, alpha in pixels if alpha > 127]
    seen = [pixel for pixel in opaque if contrast(pixel, ground) >= _LEAST_CONTRAST]
    return len(seen) * 10 >= len(opaque)
