"""QR codes of short links, for paper and for screens across a room."""

import io
import math

import segno
from django.http import HttpResponse
from django.utils.http import content_disposition_header

# Of light modules around the symbol; ISO/IEC 18004 asks for four.
QUIET_ZONE = 4
# Wide enough for 8 cm on paper at 300 dots an inch.
SMALLEST_PNG = 1000
# File systems stop at 255 bytes, which a slug in another script reaches early.
LONGEST_NAME = 60


def picture(address: str, kind: str, *, name: str) -> HttpResponse:
    """Answer with a QR code of an address; `kind` is "svg" or "png", `name` a file's without its ending."""
    draw, content_type = _KINDS[kind]
    answer = HttpResponse(draw(address), content_type=content_type)
    filename = f"{name[:LONGEST_NAME].rstrip('-')}-qr.{kind}"
    # Inline, so that a page may show it; a link with `download` saves it under this name.
    answer.headers["Content-Disposition"] = content_disposition_header(False, filename) or "inline"
    # The code never changes, but what it opens may be taken down: ask each time, answered by a 304.
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def svg(address: str) -> bytes:
    """Return a QR code of an address as an SVG without a size of its own, titled and described."""
    out = io.BytesIO()
    _symbol(address).save(
        out,
        kind="svg",
        border=QUIET_ZONE,
        light="#fff",
        omitsize=True,
        title="QR code",
        desc=f"Opens {address}",
        svgclass=None,
        lineclass=None,
    )
    return out.getvalue()


def png(address: str) -> bytes:
    """Return a QR code of an address as a PNG at least SMALLEST_PNG pixels wide, whole pixels a module."""
    symbol = _symbol(address)
    modules, _ = symbol.symbol_size(border=QUIET_ZONE)
    out = io.BytesIO()
    symbol.save(
        out, kind="png", border=QUIET_ZONE, scale=math.ceil(SMALLEST_PNG / modules), dpi=300
    )
    return out.getvalue()


def _symbol(address: str) -> segno.QRCode:
    # M survives 15 % of damage, and Q or H where the symbol does not grow by it.
    return segno.make(address, error="m", micro=False, boost_error=True)


_KINDS = {"svg": (svg, "image/svg+xml"), "png": (png, "image/png")}
