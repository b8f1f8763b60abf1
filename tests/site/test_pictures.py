"""A stored picture looks as it did, weighs what it says, and tells nothing of who took it where."""

import io
import struct
from typing import Any

import pytest
from PIL import Image, ImageChops

from healthsite.uploads import pictures
from healthsite.uploads.formats import REWRITERS
from healthsite.uploads.formats.base import exif_of, orientation
from healthsite.uploads.pictures import LONGEST_SIDE, MOST_FRAMES, Unusable, cleaned
from tests.site.pictures import (
    FORMATS,
    PROFILE,
    SECRETS,
    animated,
    drawing,
    encoded,
    exif,
    gif_of,
    png_bomb,
    png_chunk,
    telling,
    upright,
)

TURNED = [form for form in FORMATS if form != "GIF"]


def refused(data: bytes) -> str:
    """Return the sentence with which a file is refused."""
    with pytest.raises(Unusable) as caught:
        cleaned(data)
    return str(caught.value)


def never(*args: object, **kwargs: object) -> None:
    """Stand in for what must not be called."""
    pytest.fail("it was opened")


# What is hidden in a picture


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_of_a_place_a_maker_or_a_comment_is_left(form: str) -> None:
    before = telling(form, 1)
    after = cleaned(before)
    assert any(secret in before for secret in SECRETS), "or this would prove nothing"
    for secret in SECRETS:
        assert secret not in after
    assert b"<script" not in after
    with Image.open(io.BytesIO(after)) as image:
        assert image.format == form
        assert not set(image.getexif()) - {0x0112}
        assert not image.getexif().get_ifd(0x8825)
        assert not image.info.get("comment")
        assert b"Secret" not in (image.info.get("xmp") or b"")


@pytest.mark.parametrize("form", FORMATS)
def test_not_a_pixel_changes(form: str) -> None:
    before, after = (
        Image.open(io.BytesIO(data)) for data in (telling(form), cleaned(telling(form)))
    )
    difference = ImageChops.difference(before.convert("RGB"), after.convert("RGB"))
    assert difference.getbbox() is None


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("form", TURNED)
def test_a_turned_picture_stays_turned(form: str, turned: int) -> None:
    before, after = telling(form, turned), cleaned(telling(form, turned))
    assert upright(after).size == upright(before).size
    assert ImageChops.difference(upright(before), upright(after)).getbbox() is None


@pytest.mark.parametrize("form", TURNED)
def test_the_colour_profile_stays(form: str) -> None:
    with Image.open(io.BytesIO(cleaned(telling(form)))) as image:
        assert image.info["icc_profile"] == PROFILE


@pytest.mark.parametrize("form", FORMATS)
def test_cleaning_twice_is_cleaning_once(form: str) -> None:
    once = cleaned(telling(form, 6))
    assert cleaned(once) == once


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_of_any_kind_keeps_its_bytes_of_picture(mode: str, progressive: bool) -> None:
    data = encoded(drawing().convert(mode), "JPEG", progressive=progressive, exif=exif(1))
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(cleaned(data)))
    assert before.mode == after.mode
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_of_any_kind_keeps_its_pixels(mode: str) -> None:
    image = Image.new("I;16", (9, 7), 40_000) if mode == "I;16" else drawing().convert(mode)
    data = encoded(image, "PNG")
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(cleaned(data)))
    assert before.mode == after.mode
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_of_any_kind_keeps_its_pixels(mode: str, lossless: bool) -> None:
    data = encoded(drawing().convert(mode), "WEBP", lossless=lossless)
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(cleaned(data)))
    assert before.convert("RGBA").tobytes() == after.convert("RGBA").tobytes()


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_an_animation_keeps_its_frames(form: str) -> None:
    data = animated(form, 5)
    with Image.open(io.BytesIO(cleaned(data))) as image:
        assert getattr(image, "n_frames", 1) == 5


def test_a_photograph_within_a_photograph_goes() -> None:
    """Telephones put a second picture, or a film, behind the first."""
    data = encoded(form="JPEG") + encoded(drawing(8, 8), "JPEG", comment=b"SecretThumb")
    assert cleaned(data).count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("turned", range(1, 9))
def test_an_orientation_is_written_as_it_is_read(turned: int) -> None:
    assert orientation(exif_of(turned)) == turned


@pytest.mark.parametrize(
    "data",
    [b"", b"II", b"MM\0*\0\0\0\x08", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + b"\x12" * 40,
     exif_of(0), exif_of(9), exif_of(60_000), b"XX*\0\x08\0\0\0"],
)  # fmt: skip
def test_an_orientation_that_is_none_is_upright(data: bytes) -> None:
    assert orientation(data) == 1


# Too large


def test_121_megapixels_in_15_kilobytes_are_refused_unopened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bomb = png_bomb()
    assert 13_000 < len(bomb) < 16_000
    monkeypatch.setattr(Image, "open", never)
    sentence = refused(bomb)
    assert "11,000 × 11,000 pixels, 121 megapixels" in sentence
    assert "At most 40 megapixels" in sentence


def header_only(form: str, width: int, height: int) -> bytes:
    """Return a file that is whole, and whose header lies about its size."""
    options: dict[str, Any] = {"icc_profile": PROFILE} if form == "WEBP" else {}
    data = bytearray(encoded(form=form, **options))
    if form == "PNG":
        header = struct.pack(">II", width, height) + data[24:29]
        return bytes(data[:8]) + png_chunk(b"IHDR", header) + data[33:]
    if form == "GIF":
        return (
            bytes(data[:6])
            + struct.pack("<HH", min(width, 65_535), min(height, 65_535))
            + data[10:]
        )
    if form == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", min(height, 65_535), min(width, 65_535))
        return bytes(data)
    if form == "WEBP":
        at = data.index(b"VP8X")
        small = [(min(side, 2**24) - 1).to_bytes(3, "little") for side in (width, height)]
        data[at + 12 : at + 18] = b"".join(small)
        return bytes(data)
    at = data.index(b"ispe")
    data[at + 8 : at + 16] = struct.pack(">II", width, height)
    return bytes(data)


@pytest.mark.parametrize(
    "size", [(11_000, 11_000), (65_500, 65_500), (2**24, 2**24), (40_001, 1_000)]
)
@pytest.mark.parametrize("form", FORMATS)
def test_a_header_that_promises_too_much_is_believed(
    form: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "open", never)
    assert "At most 40 megapixels" in refused(header_only(form, *size))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "AVIF"])
def test_a_picture_without_a_size_is_refused(form: str) -> None:
    assert "has no size" in refused(header_only(form, 0, 0))


def test_a_picture_longer_than_any_screen_is_refused() -> None:
    sentence = refused(encoded(Image.new("1", (1, LONGEST_SIDE + 1)), "PNG"))
    assert "A side can have at most 16,383 pixels" in sentence


def test_exactly_40_megapixels_are_taken() -> None:
    assert cleaned(encoded(Image.new("1", (8_000, 5_000)), "PNG"))
    assert "40 megapixels" in refused(encoded(Image.new("1", (8_001, 5_000)), "PNG"))


def test_the_limit_is_the_one_in_the_settings(settings: object) -> None:
    assert settings.WAGTAILIMAGES_MAX_IMAGE_PIXELS == pictures.MOST_PIXELS  # type: ignore[attr-defined]  # pytest-django's wrapper


def test_10_000_frames_are_refused_unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", never)
    assert "has 10,000 frames" in refused(gif_of(10_000))


@pytest.mark.parametrize("form", ["WEBP", "PNG"])
def test_one_frame_too_many_is_refused(form: str) -> None:
    assert f"has {MOST_FRAMES + 1} frames" in refused(animated(form, MOST_FRAMES + 1))


def test_frames_are_weighed_together() -> None:
    sentence = refused(gif_of(100, 1000, 1000))
    assert "100 frames of 1,000 × 1,000 pixels, 100 megapixels in all" in sentence


def test_a_frame_beyond_its_canvas_counts() -> None:
    data = bytearray(gif_of(1))
    at = data.index(b"\x2c", 19)
    data[at + 1 : at + 9] = struct.pack("<HHHH", 0, 0, 60_000, 60_000)
    assert "60,000 × 60,000" in refused(bytes(data))


def test_a_thousand_scans_are_refused() -> None:
    data = encoded(form="JPEG", progressive=True)
    first = data.index(b"\xff\xda")
    assert "too many scans" in refused(data[:first] + data[first:-2] * 1000 + b"\xff\xd9")


# Not a picture, or a broken one


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"words in a file named .png",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg onload='alert(1)'/>",
        b"<html><script>alert(1)</script>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"MZ\x90\0",
        b"8BPS\0\x01",
        b"BM" + bytes(60),
        b"II*\0\x08\0\0\0" + bytes(60),
        b"\0\0\0\x18ftypheic\0\0\0\0",
        b"\0\0\x01\0\x01\0",
        b"RIFF\x24\0\0\0WAVEfmt ",
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert "Use a JPEG, PNG, WebP, AVIF or GIF file." in refused(data)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_is_cut_short_is_refused_wherever_the_cut_is(form: str) -> None:
    data = cleaned(telling(form, 6) if form in {"JPEG", "WEBP"} else encoded(form=form))
    for end in [*range(0, len(data), max(1, len(data) // 60)), len(data) - 1, len(data) - 2]:
        with pytest.raises(Unusable):
            cleaned(data[:end])


@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_file_is_taken_or_refused_and_nothing_else(form: str) -> None:
    data = telling(form, 6)
    for at in range(0, len(data), max(1, len(data) // 150)):
        for value in (0x00, 0xFF, 0x7F):
            damaged = bytearray(data)
            damaged[at] = value
            try:
                cleaned(bytes(damaged))
            except Unusable as reason:
                assert str(reason).endswith(".")


@pytest.mark.parametrize("form", FORMATS)
def test_nonsense_behind_a_true_beginning_is_refused(form: str) -> None:
    beginning = encoded(form=form)[:16]
    for rest in (b"", b"\0" * 500, b"\xff" * 500, bytes(range(256)) * 4):
        with pytest.raises(Unusable):
            cleaned(beginning + rest)


def test_an_animated_avif_is_refused_in_words() -> None:
    assert "it is an animated AVIF" in refused(animated("AVIF", 3))


def test_every_format_that_the_settings_take_is_known(settings: object) -> None:
    extensions = {*settings.WAGTAILIMAGES_EXTENSIONS} - {"jpeg"}  # type: ignore[attr-defined]  # pytest-django's wrapper
    assert extensions == set(FORMATS.values())
    assert set(FORMATS) == set(REWRITERS)
