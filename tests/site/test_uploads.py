"""Whatever way a file comes in by, it is checked and cleaned before it is stored."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Pillow
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.images.models import SourceImageIOError
from wagtail.models import UploadedFile

from articles.models import HomePage
from tests.factories import add_article, renditions_are_made, section
from tests.site.pictures import (
    FORMATS,
    SECRETS,
    encoded,
    gif_of,
    png_bomb,
    telling,
    upright,
)

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

Image = get_image_model()
Document = get_document_model()
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.fixture(autouse=True)
def _a_library(home: HomePage) -> Iterator[None]:
    with renditions_are_made():
        yield


def file(content: bytes, name: str, kind: str = "application/octet-stream") -> SimpleUploadedFile:
    """Return a file as a browser sends it."""
    return SimpleUploadedFile(name, content, content_type=kind)


def _sentence(answer: Any) -> str | None:
    """Return what a form says of its file, or None where it was taken."""
    form = answer.context and answer.context.get("form")
    if form is None or not form.errors:
        return None
    return "\n".join(form.errors.get("file", ["another field"]))


# The ways in


def single(client: Client, sent: SimpleUploadedFile, kind: str = "images") -> str | None:
    """Upload by the plain form."""
    return _sentence(client.post(f"/admin/{kind}/add/", {"title": "A title", "file": sent}))


def multiple(client: Client, sent: SimpleUploadedFile, kind: str = "images") -> str | None:
    """Upload as the page for several files does."""
    said = client.post(f"/admin/{kind}/multiple/add/", {"files[]": sent, "title": "A title"}).json()
    return None if said["success"] else str(said["error_message"])


def chooser(client: Client, sent: SimpleUploadedFile, kind: str = "images") -> str | None:
    """Upload within an article's editor."""
    prefix = "image" if kind == "images" else "document"
    answer = client.post(
        f"/admin/{kind}/chooser/create/",
        {f"{prefix}-chooser-upload-title": "A title", f"{prefix}-chooser-upload-file": sent},
    )
    if json.loads(answer.content)["step"] in {"chosen", "duplicate_found"}:
        return None
    page = unescape(json.loads(answer.content)["htmlFragment"])
    assert 'value="A title"' in page
    return page


def replace(client: Client, sent: SimpleUploadedFile, kind: str = "images") -> str | None:
    """Put another file in the place of one that is stored."""
    kept: Any
    if kind == "images":
        kept = Image.objects.create(title="Kept", file=ContentFile(encoded(), "kept.png"))
    else:
        kept = Document.objects.create(title="Kept", file=ContentFile(b"kept", "kept.txt"))
    before = kept.file.name
    path = f"/admin/images/{kept.pk}/" if kind == "images" else f"/admin/documents/edit/{kept.pk}/"
    sentence = _sentence(client.post(path, {"title": "A new title", "file": sent}))
    kept.refresh_from_db()
    if sentence is not None:
        assert kept.file.name == before
        assert kept.title == "Kept"
        kept.delete()
    return sentence


Way = Callable[..., str | None]
ways = pytest.mark.parametrize("way", [single, multiple, chooser, replace])


def stored() -> Any:
    """Return the picture that was uploaded last."""
    return Image.objects.order_by("-pk").first()


def content_of(item: Any) -> bytes:
    """Return what lies in the storage."""
    with item.file.storage.open(item.file.name) as opened:
        content: bytes = opened.read()
    return content


# Pictures


@ways
@pytest.mark.parametrize("form", FORMATS)
def test_a_stored_picture_tells_nothing_and_looks_as_before(
    form: str, way: Way, publisher: Client
) -> None:
    sent = telling(form, 6)
    assert way(publisher, file(sent, f"holiday.{FORMATS[form]}")) is None
    content = content_of(stored())
    for secret in SECRETS:
        assert secret not in content
    assert upright(content).size == upright(sent).size
    assert upright(content).tobytes() == upright(sent).tobytes()
    assert stored().file_size == len(content)
    found = [path.read_bytes() for path in Path(site_settings.MEDIA_ROOT).rglob("*.*")]
    assert found
    assert not [secret for data in found for secret in SECRETS if secret in data]


@pytest.mark.parametrize("form", FORMATS)
def test_its_renditions_stand_upright_and_tell_nothing(form: str, publisher: Client) -> None:
    sent = telling(form, 6)
    assert single(publisher, file(sent, f"holiday.{FORMATS[form]}")) is None
    rendition = stored().get_rendition("width-480")
    data = content_of(rendition)
    assert upright(data).size == upright(sent).size == (rendition.width, rendition.height)
    with Pillow.open(io.BytesIO(data)) as image:
        assert 0x8825 not in image.getexif()
    for secret in SECRETS:
        assert secret not in data
    shown, meant = upright(data), upright(sent)
    for x in (2, shown.width - 3):
        for y in (2, shown.height - 3):
            assert shown.getpixel((x, y)) == pytest.approx(meant.getpixel((x, y)), abs=40)


REFUSED = [
    pytest.param(SVG, "x.svg", "Use a JPEG, PNG", id="svg"),
    pytest.param(SVG, "x.png", "Use a JPEG, PNG, WebP, AVIF or GIF file.", id="svg as png"),
    pytest.param(SVG, "x.svg.png", "Use a JPEG, PNG", id="svg with two extensions"),
    pytest.param(SVG, "x", "", id="svg without extension"),
    pytest.param(b"words", "x.png", "Use a JPEG, PNG", id="text as png"),
    pytest.param(b"", "x.png", "The submitted file is empty.", id="empty"),
    pytest.param(
        png_bomb(), "x.png", "11,000 × 11,000 pixels, 121 megapixels", id="121 megapixels"
    ),
    pytest.param(gif_of(10_000), "x.gif", "has 10,000 frames", id="10,000 frames"),
    pytest.param(encoded()[:-30], "x.png", "it is cut short", id="cut short"),
    pytest.param(encoded(), "x.jpg", "does not match the file format (png)", id="png as jpg"),
    pytest.param(encoded(), "x.html", "upported", id="png as html"),
    pytest.param(encoded() + bytes(10_500_000), "x.png", "This file is too big", id="too big"),
]


@ways
@pytest.mark.parametrize(("content", "name", "sentence"), REFUSED)
def test_what_is_no_picture_is_refused_in_words_and_not_stored(
    content: bytes, name: str, sentence: str, way: Way, publisher: Client
) -> None:
    before = {path for path in Path(site_settings.MEDIA_ROOT).rglob("*") if "kept" not in path.name}
    said = way(publisher, file(content, name))
    assert said is not None
    assert sentence in said
    assert not Image.objects.exists()
    after = {path for path in Path(site_settings.MEDIA_ROOT).rglob("*") if "kept" not in path.name}
    assert {path for path in after - before if path.is_file()} == set()


def test_a_refused_picture_leaves_the_rest_of_the_form_as_typed(publisher: Client) -> None:
    answer = publisher.post(
        "/admin/images/add/",
        {"title": "A careful title", "description": "Careful words", "file": file(b"x", "x.png")},
    )
    page = unescape(answer.content.decode())
    assert answer.status_code == 200
    assert 'value="A careful title"' in page
    assert "Careful words" in page
    assert "Use a JPEG, PNG, WebP, AVIF or GIF file." in page


def test_an_upload_that_waits_for_its_title_is_clean_already(publisher: Client) -> None:
    """Wagtail keeps the upload itself where the form fails for another field."""
    sent = {"files[]": file(telling("JPEG", 6), "x.jpg"), "title": "t" * 300}
    said = publisher.post("/admin/images/multiple/add/", sent).json()
    assert said["success"]
    waiting = UploadedFile.objects.get()
    assert not [secret for secret in SECRETS if secret in content_of(waiting)]
    path = f"/admin/images/multiple/create_from_uploaded_image/{waiting.pk}/"
    prefix = f"uploaded-image-{waiting.pk}"
    assert publisher.post(path, {f"{prefix}-title": "A title"}).json()["success"]
    assert not [secret for secret in SECRETS if secret in content_of(stored())]


def test_a_large_upload_on_its_way_through_a_temporary_file_is_cleaned_too(
    publisher: Client, settings: Any
) -> None:
    settings.FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
    for way in (single, multiple):
        assert way(publisher, file(telling("JPEG", 6), "x.jpg")) is None
        assert not [secret for secret in SECRETS if secret in content_of(stored())]
        assert stored().file_size == len(content_of(stored()))


def test_a_picture_that_code_saves_is_cleaned_too() -> None:
    image = Image.objects.create(title="By code", file=ContentFile(telling("JPEG", 6), "x.jpg"))
    assert not [secret for secret in SECRETS if secret in content_of(image)]
    image.file = ContentFile(telling("PNG"), "y.png")
    image.save()
    assert not [secret for secret in SECRETS if secret in content_of(image)]


def test_what_code_saves_must_be_a_picture_too() -> None:
    for content in (png_bomb(), gif_of(10_000), encoded()[:-30]):
        # Wagtail asks for the size of a file when it is assigned; for the bomb that is the end.
        with pytest.raises((ValidationError, SourceImageIOError)):
            Image.objects.create(title="By code", file=ContentFile(content, "x.png"))
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["../../x.png", "..\\x.png", "/etc/x.png", "x\u202egnp.png", "x.png\r\nX: 1.png", "ä💤.png"],
)
def test_no_name_leads_out_of_the_folder(name: str, publisher: Client) -> None:
    assert multiple(publisher, file(encoded(), name)) is None
    path = Path(stored().file.path)
    assert path.parent == Path(site_settings.MEDIA_ROOT) / "original_images"
    assert path.name.isascii()
    assert path.name.isprintable()


@ways
def test_a_name_of_300_characters_is_taken_or_refused_in_words(way: Way, publisher: Client) -> None:
    said = way(publisher, file(encoded(), "x" * 300 + ".png"))
    assert said is None or "at most" in said


def test_a_nul_in_a_name_is_no_error_of_ours(publisher: Client) -> None:
    boundary = "b0undary"
    body = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nT\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x\0.png"\r\n'
            "Content-Type: image/png\r\n\r\n"
        ).encode()
        + encoded()
        + f"\r\n--{boundary}--\r\n".encode()
    )
    answer = publisher.post(
        "/admin/images/add/", body, content_type=f"multipart/form-data; boundary={boundary}"
    )
    assert answer.status_code < 500


# Pictures that are stored and broken


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"words",
     lambda data: png_bomb(20_000), None],
    ids=["cut short", "empty", "words", "a bomb", "gone"],
)  # fmt: skip
def test_a_broken_picture_costs_readers_nothing_but_itself(
    damage: Callable[[bytes], bytes] | None, home: HomePage, reader: Client, publisher: Client
) -> None:
    image = Image.objects.create(title="A cat", file=ContentFile(encoded(), "cat.png"))
    block = {
        "type": "image",
        "value": {
            "image": {"image": image.pk, "alt_text": "A cat asleep", "decorative": False},
            "caption": "Sleeping",
        },
    }
    add_article(home, section("Why", body=[{"type": "text", "value": "<p>Words.</p>"}, block]))
    path = Path(image.file.path)
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))
    for address in ("/sleep/", "/sleep/why/"):
        answer = reader.get(address)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "Words." in page
        assert "Sleeping" in page
        assert '<p class="missing-picture">A cat asleep</p>' in page
        assert "<img" not in page[page.index("<main") : page.index("</main>")]


def test_a_whole_picture_is_shown(home: HomePage, reader: Client) -> None:
    image = Image.objects.create(title="A cat", file=ContentFile(encoded(), "cat.png"))
    value = {"image": {"image": image.pk, "alt_text": "A cat", "decorative": False}, "caption": ""}
    add_article(home, section("Why", body=[{"type": "image", "value": value}]))
    page = reader.get("/sleep/why/").content.decode()
    assert 'alt="A cat"' in page
    assert "srcset=" in page
    assert "missing-picture" not in page


def test_a_picture_cut_short_does_not_break_the_library(publisher: Client) -> None:
    image = Image.objects.create(title="A cat", file=ContentFile(encoded(), "cat.png"))
    path = Path(image.file.path)
    path.write_bytes(path.read_bytes()[:90])
    for address in ("/admin/images/", f"/admin/images/{image.pk}/", "/admin/images/chooser/"):
        assert publisher.get(address).status_code == 200, address


# Documents


def archive(*names: str, **contents: bytes) -> bytes:
    """Return a zip file."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as written:
        for name in names:
            written.writestr(name, b"x")
        for name, content in contents.items():
            written.writestr(name, content)
    return data.getvalue()


DOCX = archive("[Content_Types].xml", "word/document.xml")
XLSX = archive("[Content_Types].xml", "xl/workbook.xml")
ODT = archive(mimetype=b"application/vnd.oasis.opendocument.text")
PDF = b"%PDF-1.7\n%\xe2\xe3\n"

GOOD_DOCUMENTS = [
    (PDF, "leaflet.pdf"),
    (PDF, "LEAFLET.PDF"),
    (PDF, "leaflet v1.2 final.pdf"),
    (DOCX, "plan.docx"),
    (XLSX, "plan.xlsx"),
    (ODT, "plan.odt"),
    (archive("a.txt"), "all.zip"),
    (archive(), "empty.zip"),
    (b"a,b\r\n1,2\r\n", "table.csv"),
    ("a;ä\n".encode("latin-1"), "table.csv"),
    ("words".encode("utf-16"), "words.txt"),
    (b"\xef\xbb\xbfwords that tell of <script>", "words.txt"),
]
BAD_DOCUMENTS = [
    pytest.param(b"<html>", "x.html", "html", id="html"),
    pytest.param(b"MZ", "x.exe", "exe", id="exe"),
    pytest.param(SVG, "x.svg", "svg", id="svg"),
    pytest.param(b"x", "x.js", "js", id="js"),
    pytest.param(b"x", "x", "", id="no extension"),
    pytest.param(PDF, "x.pdf.exe", "exe", id="exe behind pdf"),
    pytest.param(PDF, "x.exe.pdf", "has “.exe” in its middle", id="pdf behind exe"),
    pytest.param(b"x", "page.html.txt", "has “.html” in its middle", id="txt behind html"),
    pytest.param(b"<html><script>alert(1)</script>", "x.pdf", "its content is something else", id="html as pdf"),
    pytest.param(SVG, "x.pdf", "Save it as PDF", id="svg as pdf"),
    pytest.param(SVG, "x.txt", "its content is something else", id="svg as txt"),
    pytest.param(b" \r\n<!DOCTYPE html><p>", "x.txt", "its content is something else", id="html as txt"),
    pytest.param("<html>".encode("utf-16"), "x.txt", "its content is", id="html as utf-16 txt"),
    pytest.param(b"<script>alert(1)</script>", "x.csv", "its content is something else", id="script as csv"),
    pytest.param(b"MZ\x90\0", "x.txt", "its content is something else", id="exe as txt"),
    pytest.param(b"\x7fELF", "x.csv", "its content is something else", id="elf as csv"),
    pytest.param(b"a\0b", "x.csv", "its content is something else", id="binary as csv"),
    pytest.param(b"MZ\x90\0", "x.pdf", "its content is something else", id="exe as pdf"),
    pytest.param(PDF, "x.docx", "its content is something else", id="pdf as docx"),
    pytest.param(archive("a.txt"), "x.docx", "its content is something else", id="zip as docx"),
    pytest.param(DOCX, "x.xlsx", "its content is something else", id="docx as xlsx"),
    pytest.param(archive("a"), "x.odt", "its content is something else", id="zip as odt"),
    pytest.param(b"PK\x03\x04" + bytes(100), "x.zip", "its content is something else", id="no zip"),
    pytest.param(archive("a" * 60_000, *(f"{n}" + "b" * 50_000 for n in range(50))), "x.zip", "its content", id="endless zip"),
    pytest.param(b"", "x.pdf", "The submitted file is empty.", id="empty"),
    pytest.param(PDF + bytes(21_000_000), "x.pdf", "This file is too big", id="too big"),
]  # fmt: skip


@ways
@pytest.mark.parametrize(("content", "name"), GOOD_DOCUMENTS)
def test_a_document_is_stored_as_it_is(
    content: bytes, name: str, way: Way, publisher: Client
) -> None:
    assert way(publisher, file(content, name), "documents") is None
    assert content_of(Document.objects.order_by("-pk").first()) == content


@ways
@pytest.mark.parametrize(("content", "name", "sentence"), BAD_DOCUMENTS)
def test_what_is_no_document_is_refused_in_words(
    content: bytes, name: str, sentence: str, way: Way, publisher: Client
) -> None:
    said = way(publisher, file(content, name), "documents")
    assert said is not None
    assert sentence in said
    assert "\n" not in said.strip() or way is chooser, "one mistake, one sentence"
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    "name",
    ["../../x.txt", "..\\x.txt", "/etc/x.txt", "x\u202etxt.pdf.txt", "ä💤.txt", "x" * 90 + ".txt"],
)
def test_no_document_leads_out_of_its_folder(name: str, publisher: Client) -> None:
    assert single(publisher, file(b"words", name), "documents") is None
    path = Path(Document.objects.get().file.path)
    assert path.parent == Path(site_settings.MEDIA_ROOT) / "documents"
    assert "\u202e" not in path.name


@pytest.mark.parametrize(
    ("content", "name"), [(PDF, "x.pdf"), (b"words", "x.txt"), (DOCX, "x.docx")]
)
def test_a_document_is_handed_over_and_never_shown(
    content: bytes, name: str, publisher: Client, reader: Client
) -> None:
    assert single(publisher, file(content, name), "documents") is None
    answer = reader.get(Document.objects.get().url)
    assert b"".join(answer) == content
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
