"""What a card shows, and the digest that names the picture."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache

from sharing.cards import typefaces
from sharing.cards.colour import DEFAULT_ACCENT

# Moves with every change of the drawing that readers should see: all cards are then made anew.
LAYOUT = 1


@dataclass(frozen=True)
class Face:
    """What one article or section puts on its card."""

    title: str
    eyebrow: str = ""  # of a section, its article's title
    position: int = 0  # of a section in its article, from 1; 0 for an article
    parts: int = 0  # how many sections there are


@dataclass(frozen=True)
class Design:
    """What all cards have in common. `logo_hash` names the logo's bytes; empty for our mark."""

    site_name: str
    accent: str = DEFAULT_ACCENT
    logo_hash: str = ""

    @property
    def digest(self) -> str:
        """Return the name of this look: it moves when any card would look different."""
        return _digest(
            [LAYOUT, typefaces_digest(), self.site_name, self.accent.lower(), self.logo_hash]
        )


@dataclass(frozen=True)
class CardContent:
    """All that a card is drawn from. `logo` is the bytes of a picture, or None for our mark."""

    face: Face
    design: Design
    logo: bytes | None = None


def card_digest(face: Face, design_digest: str) -> str:
    """Return the name (64 hexadecimal digits) of the card that this face gets in this look."""
    return _digest([face.title, face.eyebrow, face.position, face.parts, design_digest])


@cache
def typefaces_digest() -> str:
    """Return the digest of all bundled fonts."""
    return _digest([hashlib.sha256(face.path.read_bytes()).hexdigest() for face in typefaces.ALL])


def _digest(values: list[object]) -> str:
    # Unpaired surrogates cannot be stored either; they must not stop a publish here.
    text = json.dumps(values, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
