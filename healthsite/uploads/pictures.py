"""What a picture must be to be stored, and what it looks like then: without anything hidden in it."""

import io
import struct
import threading
import zlib

from PIL import Image, UnidentifiedImageError

from healthsite.uploads.formats import REWRITERS, Broken, Rewritten, format_of

# So many pixels are unpacked at a time; with transparency that is 160 MB of memory.
MOST_PIXELS = 40_000_000
# A longer side than WebP has; nobody sees more.
LONGEST_SIDE = 16_383
# Readers are shown an animation's first frame alone, so a longer one is a mistake or an attack.
MOST_FRAMES = 200

UNREADABLE = (
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
# Unpacking is done by one thread of a process at a time: two bombs at once weigh no more than one.
unpacking_lock = threading.Lock()


class Unusable(Exception):
    """The file is no picture for this site; its message is a sentence for the person who uploads it."""


def cleaned(data: bytes) -> bytes:
    """Return a picture without its metadata, looking as before; raises Unusable.

    Its colour profile, orientation, frames and pixels stay. Its size is read from its header before
    anything is unpacked.
    """
    name = format_of(data)
    if name is None:
        raise Unusable(
            "This is no picture that can be used here. Use a JPEG, PNG, WebP, AVIF or GIF file."
        )
    try:
        rewritten = REWRITERS[name](data)
    except Broken as error:
        raise Unusable(
            f"This {_label(name)} file cannot be used: it is {_fault(error)}."
        ) from error
    _check_size(rewritten)
    _unpack(rewritten, name)
    return rewritten.content


def _check_size(picture: Rewritten) -> None:
    width, height, frames = picture.width, picture.height, picture.frames
    size = f"{width:,} × {height:,} pixels"
    if not width or not height:
        raise Unusable("This picture has no size.")
    if width * height > MOST_PIXELS:
        raise Unusable(
            f"This picture is {size}, {_mega(width * height)} megapixels. At most "
            f"{_mega(MOST_PIXELS)} megapixels can be used: make it smaller and upload it again."
        )
    if max(width, height) > LONGEST_SIDE:
        raise Unusable(
            f"This picture is {size}. A side can have at most {LONGEST_SIDE:,} pixels: make it smaller "
            "and upload it again."
        )
    if frames > MOST_FRAMES:
        raise Unusable(
            f"This picture has {frames:,} frames. At most {MOST_FRAMES} can be used; readers are shown "
            "the first."
        )
    if width * height * frames > MOST_PIXELS:
        raise Unusable(
            f"This picture has {frames} frames of {size}, {_mega(width * height * frames)} megapixels in "
            f"all. At most {_mega(MOST_PIXELS)} can be used: make it smaller or shorter."
        )


def _unpack(picture: Rewritten, name: str) -> None:
    """Unpack every frame once, so that what is stored can be shown."""
    with unpacking_lock:
        try:
            with Image.open(io.BytesIO(picture.content), formats=(name,)) as image:
                _load(image)
        except Broken as error:
            raise Unusable(f"This {_label(name)} file cannot be used: it is {error}.") from error
        except UNREADABLE as error:
            raise Unusable(
                f"This {_label(name)} file cannot be used: it is broken. Save it again and upload that."
            ) from error


def _load(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise Broken("larger than it says")
    # Of a JPEG an eighth of the pixels tells as much.
    image.draft(image.mode, (max(1, image.width // 8), max(1, image.height // 8)))
    for frame in range(getattr(image, "n_frames", 1)):
        image.seek(frame)
        image.load()


def _fault(error: Broken) -> str:
    known = {"cut short", "an animated AVIF"}
    return str(error) if str(error) in known else f"broken ({error})"


def _label(name: str) -> str:
    return "WebP" if name == "WEBP" else name


def _mega(pixels: int) -> str:
    return f"{pixels / 1_000_000:,.1f}".removesuffix(".0")
