"""A QR code of every article and section: its pixels say the short link, and it goes when the page goes."""

import io
import re
from typing import Any
from xml.etree import ElementTree

import pytest
import segno
from django.test import Client
from PIL import Image

from articles.models import HomePage
from sharing import actions
from sharing.models import ShareCount
from tests.factories import add_article, edit, section
from tests.markup import values
from tests.sharing.conftest import Shared, codes_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

Modules = list[list[int]]
SVG = "{http://www.w3.org/2000/svg}"


def expected(address: str) -> Modules:
    """Return the modules of an address, 1 for dark, as the standard's own steps make them."""
    return [list(row) for row in segno.make(address, error="m", micro=False).matrix]


def with_quiet_zone(modules: Modules) -> Modules:
    width = len(modules) + 8
    padded = [[0] * 4 + row + [0] * 4 for row in modules]
    return [[0] * width] * 4 + padded + [[0] * width] * 4


def seen_in_png(content: bytes) -> Modules:
    """Read a picture as a camera does: the middle of each module, its size told by a finder pattern."""
    picture = Image.open(io.BytesIO(content)).convert("L")
    size = picture.width
    assert picture.height == size
    corner = next(at for at in range(size) if picture.getpixel((at, at)) == 0)
    edge = next(at for at in range(corner, size) if picture.getpixel((at, corner)) != 0)
    scale, rest = divmod(edge - corner, 7)
    assert rest == 0, "whole pixels a module"
    assert corner == 4 * scale, "a quiet zone of four modules"
    middles = range(scale // 2, size, scale)
    return [[int(picture.getpixel((x, y)) == 0) for x in middles] for y in middles]


def seen_in_svg(content: bytes) -> Modules:
    """Read the drawing: every stroke of the dark path colours the modules that it crosses."""
    root = ElementTree.fromstring(content)  # noqa: S314  # our own
    _, _, width, height = (int(float(number)) for number in root.attrib["viewBox"].split())
    grid = [[0] * width for _ in range(height)]
    dark = [path for path in root.iter(f"{SVG}path") if path.get("stroke") == "#000"]
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", dark[0].attrib["d"]):
        values_ = [float(number) for number in numbers.split()]
        if command == "h":
            for column in range(int(x), int(x + values_[0])):
                grid[int(y)][column] = 1
            x += values_[0]
        else:
            x, y = values_ if command == "M" else (x + values_[0], y + values_[1])
    return grid


def get(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "https://health.example.org"])
def test_both_pictures_say_the_short_link_and_nothing_else(
    origin: str, shared: Shared, reader: Client, settings: Any
) -> None:
    settings.SITE_URL = origin
    for code in (shared.code, shared.sections["why"]):
        modules = with_quiet_zone(expected(f"{origin}/s/{code}qr/"))
        assert seen_in_png(get(reader, f"/share/{code}/qr.png").content) == modules
        assert seen_in_svg(get(reader, f"/share/{code}/qr.svg").content) == modules
        assert modules != with_quiet_zone(expected(f"{origin}/s/{code}cl/"))


def test_the_link_in_the_code_leads_to_the_page_and_counts_as_its_own_channel(
    shared: Shared, reader: Client
) -> None:
    answer = reader.get(f"/s/{shared.code}qr/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == shared.article.full_url
    actions.drain()
    [row] = ShareCount.objects.values_list("channel", "share_class", "count")
    assert row == ("qr", "arrival", 1)


def test_the_picture_is_wide_enough_for_paper(shared: Shared, reader: Client) -> None:
    picture = Image.open(io.BytesIO(get(reader, f"/share/{shared.code}/qr.png").content))
    assert picture.width >= 1000


def test_the_drawing_is_named_and_has_no_style_of_its_own(shared: Shared, reader: Client) -> None:
    root = ElementTree.fromstring(get(reader, f"/share/{shared.code}/qr.svg").content)  # noqa: S314
    assert root.findtext(f"{SVG}title") == "QR code"
    assert root.findtext(f"{SVG}desc") == f"Opens http://127.0.0.1:8000/s/{shared.code}qr/"
    for element in root.iter():
        assert element.tag not in {f"{SVG}style", f"{SVG}script"}
        assert "style" not in element.attrib


def test_each_file_has_its_type_and_a_name_that_says_what_it_is(
    shared: Shared, home: HomePage, reader: Client
) -> None:
    paths = {
        f"/share/{shared.code}/qr.svg": ("image/svg+xml", 'inline; filename="sleep-qr.svg"'),
        f"/share/{shared.code}/qr.png": ("image/png", 'inline; filename="sleep-qr.png"'),
        f"/share/{shared.sections['why']}/qr.png": (
            "image/png",
            'inline; filename="sleep-why-qr.png"',
        ),
    }
    for path, (content_type, disposition) in paths.items():
        answer = get(reader, path)
        assert answer.headers["Content-Type"] == content_type
        assert answer.headers["Content-Disposition"] == disposition
    far = codes_of(add_article(home, section("Träume" + "e" * 60), title="Schlaf" + "ö" * 200))
    [code] = far.sections.values()
    disposition = get(reader, f"/share/{code}/qr.svg").headers["Content-Disposition"]
    assert disposition.startswith("inline; filename*=utf-8''schlaf%C3%B6")
    assert disposition.endswith("-qr.svg")
    assert len(disposition) < 500


def test_a_picture_is_asked_for_again_each_time_but_sent_once(
    shared: Shared, reader: Client
) -> None:
    for kind in ("svg", "png"):
        path = f"/share/{shared.code}/qr.{kind}"
        first = get(reader, path)
        assert first.headers["Cache-Control"] == "no-cache"
        again = reader.get(path, headers={"if-none-match": first.headers["ETag"]})
        assert again.status_code == 304
        assert not again.content


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_drafts_have_no_code_and_what_is_gone_says_so(
    kind: str, shared: Shared, reader: Client
) -> None:
    kept = [block for block in shared.article.body.raw_data if block["value"]["heading"] == "Why"]
    edit(shared.article, *kept)
    assert reader.get(f"/share/{shared.sections['how']}/qr.{kind}").status_code == 410
    shared.article.unpublish()
    assert reader.get(f"/share/{shared.code}/qr.{kind}").status_code == 404
    assert reader.get(f"/share/{shared.sections['why']}/qr.{kind}").status_code == 404
    shared.article.delete()
    assert reader.get(f"/share/{shared.code}/qr.{kind}").status_code == 410


@pytest.mark.parametrize("path", ["nonesuch/qr.svg", "CODE/qr.gif", "CODE/qr.svg/", "CODE/qr/"])
def test_what_is_no_picture_is_not_found(path: str, shared: Shared, reader: Client) -> None:
    assert reader.get(f"/share/{path.replace('CODE', shared.code)}").status_code == 404


def test_a_picture_can_only_be_read(shared: Shared, reader: Client) -> None:
    path = f"/share/{shared.code}/qr.png"
    for method in ("post", "put", "patch", "delete"):
        assert getattr(reader, method)(path).status_code == 405
    head = reader.head(path)
    assert (head.status_code, head.content) == (200, b"")


def test_looking_at_a_code_counts_nothing(shared: Shared, reader: Client) -> None:
    get(reader, f"/share/{shared.code}/qr.svg")
    get(reader, f"/share/{shared.code}/qr.png")
    actions.drain()
    assert not ShareCount.objects.exists()


def test_the_page_of_shares_shows_the_code_and_offers_both_files(
    shared: Shared, reader: Client
) -> None:
    page = get(reader, f"/share/{shared.code}/").content.decode()
    svg, png = f"/share/{shared.code}/qr.svg", f"/share/{shared.code}/qr.png"
    assert values(page, "img", "alt", src=svg) == ["QR code that opens “Sleep”"]
    assert {svg, png} <= set(values(page, "a", "href", download=""))
