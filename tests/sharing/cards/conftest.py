"""Cards in tests: a media folder of the test's own, and a look at what is in it."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sharing.models import ShareCard


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """Keep a test's pictures apart, and return the folder of its cards."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media" / "cards"


@pytest.fixture
def card_of() -> Callable[..., ShareCard]:
    """Return what finds the card of an article, or of a section by its title."""

    def find(page: Any, section: str | None = None) -> ShareCard:
        cards = ShareCard.objects.filter(target__page_id=page.pk)
        if section is None:
            return cards.get(target__block_id=None)
        return cards.get(title=section, target__block_id__isnull=False)

    return find


def size_of(picture: bytes) -> tuple[int, int]:
    """Return the size of a whole and readable PNG."""
    image = Image.open(io.BytesIO(picture))
    assert image.format == "PNG"
    image.load()
    return image.size
