"""A card as a picture: its size, its words where there can be any, and nothing but it."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageStat

from sharing.cards import CardContent, Design, Face, colour, draw, shows_title, title_box, typefaces
from sharing.cards.content import card_digest
from sharing.cards.fitting import Box, fit

DESIGN = Design("Healthsite")

LATIN = "Why your eyelid twitches when you are tired"
ARABIC = "أسباب ارتعاش العضلات ومتى تزور الطبيب؟"
HEBREW = "מדוע השרירים קופצים בלילה?"


def card(title: str, **fields: object) -> Image.Image:
    design = fields.pop("design", DESIGN)
    logo = fields.pop("logo", None)
    picture = draw(CardContent(Face(title, **fields), design, logo))  # type: ignore[arg-type]
    image: Image.Image = Image.open(io.BytesIO(picture))
    assert image.format == "PNG"
    return image.convert("RGB")


def is_flat(image: Image.Image, box: tuple[int, int, int, int]) -> bool:
    """Tell whether all pixels of a box are of one colour."""
    return all(low == high for low, high in image.crop(box).getextrema())  # type: ignore[misc]


def ink(image: Image.Image) -> float:
    """Return how much the pixels where a title stands vary."""
    return max(ImageStat.Stat(image.crop(title_box())).var)


def png(size: tuple[int, int], fill: object, mode: str = "RGBA") -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, fill).save(written, "PNG")  # type: ignore[arg-type]
    return written.getvalue()


@pytest.mark.parametrize(
    "title",
    [
        "Sleep",
        LATIN,
        "Γιατί συσπώνται οι μύες",
        "Почему подёргиваются мышцы",
        "Tại sao cơ bắp co giật",
        "Ağrı, çölyak ve ışık",
        "CO₂, 5 µg, 37 °C and ½ — “quoted”…",
    ],
)
def test_a_card_has_the_networks_size_and_its_title_on_it(title: str) -> None:
    image = card(title)
    assert image.size == (1200, 630)
    assert ink(image) > 500


@pytest.mark.parametrize("title", [LATIN, ARABIC, "word " * 100])
def test_a_card_is_a_small_file(title: str) -> None:
    assert len(draw(CardContent(Face(title, "Muscle twitching", 2, 5), DESIGN))) < 60_000


@pytest.mark.parametrize(
    "title",
    [
        "ทำไมกล้ามเนื้อกระตุก",
        "睡眠",
        "なぜ眠れない",
        "नींद क्यों नहीं आती",
        "Sleep 😴 well",
        "Sleep \U0001f469\u200d⚕️",
        "Rest 休む",
        "\U0010ffff",
        "\ue000",
        "",
        " \u202e\u200b ",
    ],
)
def test_a_title_that_the_fonts_lack_gives_a_card_without_words(title: str) -> None:
    image = card(title)
    assert is_flat(image, title_box())
    assert not shows_title(title)
    assert image.getpixel((100, 100)) == colour.parse(DESIGN.accent)
    assert not is_flat(image, (0, 0, 1200, 630)), "the mark and the name are there"


@pytest.mark.parametrize("title", [ARABIC, HEBREW, "מדריך ל-COVID-19", "10 نصائح عن vitamin B12"])
def test_a_title_from_the_right_turns_the_card_around(title: str) -> None:
    image = card(title)
    left, top, right, bottom = title_box(mirrored=True)
    words = image.crop((left, top, right, bottom))
    assert max(ImageStat.Stat(words).var) > 500
    # The first line begins at its right end.
    lines = words.point(lambda value: 0 if value > 200 else 255).convert("L").getbbox()
    assert lines is not None
    assert lines[2] > words.width - 12
    assert image.getpixel((5, 5)) == colour.parse(DESIGN.accent), "the panel is on the left"
    assert image.getpixel((1195, 5)) == colour.PAPER


def test_arabic_letters_are_joined() -> None:
    joined = typefaces.ARABIC.at(60).getlength("تتتت", direction="rtl")
    apart = typefaces.ARABIC.at(60).getlength("ت\u200cت\u200cت\u200cت", direction="rtl")
    assert joined < apart * 0.8


@pytest.mark.parametrize(
    "title",
    ["x" * 200, "x" * 5000, "word " * 100, "M" * 30, "ב" * 300, "a-b/" * 80, "é\u0301" * 400],
)
@pytest.mark.parametrize("eyebrow", ["", "An article with a name that is long as well " * 5])
def test_a_title_of_any_length_stays_in_its_place(title: str, eyebrow: str) -> None:
    image = card(title, eyebrow=eyebrow, position=2, parts=5)
    left, top, right, bottom = title_box(mirrored=typefaces.is_right_to_left(title))
    around = [
        (left - 60, 0, left - 6, 630) if left > 300 else (0, 0, left - 6, 630),
        (right + 6, 0, right + 50, 630),
        (left, 0, right, top - 20),
        (left, bottom + 6, right, bottom + 14),
    ]
    for box in around:
        assert is_flat(image, box), box


def test_a_short_title_is_large_and_a_long_one_is_whole_as_long_as_it_can_be() -> None:
    box = Box(width=788, height=350, most_lines=5, largest=100, smallest=42)
    short = fit("Sleep", typefaces.SERIF, box)
    assert (short.lines, short.size) == (("Sleep",), 100)
    sentence = "A title that goes on about caffeine, stress, exercise and medicines"
    whole = fit(sentence, typefaces.SERIF, box)
    assert " ".join(whole.lines) == sentence
    assert 42 < whole.size < 100
    assert len(whole.lines) * whole.line_height <= box.height


def test_lines_are_of_about_the_same_length() -> None:
    box = Box(width=788, height=350, most_lines=5, largest=60, smallest=60)
    setting = fit("What helps when you cannot fall asleep at night", typefaces.SERIF, box)
    lengths = [typefaces.SERIF.at(60).getlength(line) for line in setting.lines]
    assert min(lengths) > 0.7 * max(lengths)


def test_what_is_cut_ends_behind_a_word_with_an_ellipsis() -> None:
    box = Box(width=300, height=120, most_lines=2, largest=40, smallest=40)
    setting = fit("one two three, four five six seven", typefaces.SERIF, box)
    assert setting.lines[-1].endswith("…")
    words = " ".join(setting.lines).rstrip("…").split()
    assert words[-1].strip(",") in {"two", "three", "four", "five", "six"}


def test_a_cut_takes_no_letter_apart() -> None:
    box = Box(width=200, height=60, most_lines=1, largest=40, smallest=40)
    (line,) = fit("x\u0323" * 90, typefaces.SERIF, box).lines
    assert set(line.rstrip("…")[::2]) == {"x"}
    assert set(line.rstrip("…")[1::2]) == {"\u0323"}


@pytest.mark.parametrize(
    "dirty",
    [
        "Sl\0eep",
        "\u202eSleep\u202c",
        "\u2066Sleep\u2069",
        " Sle\u200bep\n",
        "Sleep\ufeff",
        "S\u00adleep",
    ],
)
def test_what_is_not_seen_changes_nothing_that_is(dirty: str) -> None:
    assert card(dirty).tobytes() == card("Sleep").tobytes()


def test_a_section_is_told_from_its_article_and_its_neighbours() -> None:
    pictures = {
        card("Why", eyebrow=eyebrow, position=position, parts=parts).tobytes()
        for eyebrow, position, parts in [
            ("", 0, 0),
            ("Sleep", 1, 3),
            ("Sleep", 2, 3),
            ("Naps", 2, 3),
        ]
    }
    assert len(pictures) == 4


@pytest.mark.parametrize("parts", [1, 7, 8, 200])
def test_a_place_among_any_number_of_parts_is_drawn(parts: int) -> None:
    for position in {1, parts}:
        image = card("Why", eyebrow="Sleep", position=position, parts=parts)
        assert not is_flat(image, (940, 30, 1190, 480))
        assert is_flat(image, (930, 0, 1200, 20))


def test_the_colour_is_that_of_the_panel() -> None:
    image = card(LATIN, design=Design("Healthsite", "#5b3a8c"))
    assert image.getpixel((1190, 10)) == (0x5B, 0x3A, 0x8C)
    with pytest.raises(ValueError, match="no colour"):
        card(LATIN, design=Design("Healthsite", "teal"))


def test_the_logo_takes_the_marks_place() -> None:
    corner = (60, 480, 500, 600)
    plain = card(LATIN).crop(corner)
    red = card(LATIN, logo=png((400, 200), (200, 0, 0, 255))).crop(corner)
    assert red.tobytes() != plain.tobytes()
    assert (200, 0, 0) in {pixel for _, pixel in red.getcolors(99_999) or []}


def test_a_white_logo_is_seen_on_paper() -> None:
    image = card(LATIN, logo=png((400, 100), (255, 255, 255, 255)))
    assert image.getpixel((80, 525)) == colour.parse(DESIGN.accent), "its plate"


def _bomb(side: int) -> bytes:
    """Return a PNG of some kilobytes that says it is `side` pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "logo",
    [
        b"",
        b"no picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        png((400, 200), (200, 0, 0, 255))[:90],
        png((400, 200), (200, 0, 0, 0)),
        _bomb(7000),
        _bomb(11_000),
        _bomb(60_000),
        b"\x89PNG" + bytes(21_000_000),
    ],
    ids=["empty", "words", "svg", "cut", "invisible", "49MP", "121MP", "3.6GP", "21MB"],
)
def test_a_logo_that_cannot_be_drawn_leaves_the_mark_and_a_line_in_the_log(
    logo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert card(LATIN, logo=logo).getpixel((80, 525)) == colour.parse(DESIGN.accent)
    assert "the mark in place of the logo" in caplog.text


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 3000), (300, 300)])
def test_a_logo_of_any_shape_fits(size: tuple[int, int]) -> None:
    image = card(LATIN, logo=png(size, (10, 10, 120, 255)))
    assert is_flat(image, (0, 0, 70, 630))
    assert is_flat(image, (870, 480, 920, 630))


def test_the_digest_moves_with_all_that_is_drawn() -> None:
    looks = [
        DESIGN,
        Design("Other"),
        Design("Healthsite", "#5b3a8c"),
        Design("Healthsite", logo_hash="1"),
    ]
    assert len({look.digest for look in looks}) == 4
    faces = [
        Face("Why"),
        Face("How"),
        Face("Why", "Sleep"),
        Face("Why", "Sleep", 1, 2),
        Face("Why", "Sleep", 2, 2),
    ]
    assert len({card_digest(face, DESIGN.digest) for face in faces}) == 5
    assert card_digest(Face("Why"), DESIGN.digest) == card_digest(
        Face("Why"), Design("Healthsite").digest
    )


def test_the_same_content_gives_the_same_bytes() -> None:
    content = CardContent(Face(LATIN, "Sleep", 1, 2), DESIGN)
    assert draw(content) == draw(content)


@pytest.mark.parametrize("typeface", typefaces.ALL, ids=lambda face: face.path.stem)
def test_a_font_says_truly_what_it_has(typeface: typefaces.Typeface) -> None:
    """Asked of FreeType: what the font lacks is drawn as its box, and nothing else is."""
    font = typeface.at(40)
    box = bytes(font.getmask("\U0010fffd"))
    for code in [
        *range(0x21, 0x7F),
        *range(0x391, 0x3A2),
        *range(0x410, 0x450),
        *range(0x5D0, 0x5EB),
        *range(0x621, 0x64B),
    ]:
        if chr(code).isalpha():
            drawn = bytes(font.getmask(chr(code)))
            assert (drawn != box) == (code in typeface.characters), hex(code)


def test_the_fonts_are_small_and_come_with_their_licence() -> None:
    folder = typefaces.SERIF.path.parent
    assert sum(face.path.stat().st_size for face in typefaces.ALL) < 900_000
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL.txt").read_text()
    listed = (folder / "README.md").read_text()
    assert all(file.name in listed for file in folder.glob("*.ttf"))


def test_without_raqm_nothing_is_drawn_that_would_come_out_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(typefaces, "has_raqm", lambda: False)
    assert not shows_title(ARABIC)
    assert shows_title(LATIN)
