"""The numbers that a picture shows."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Series:
    """Numbers under one name, one a point or bar; None where nothing can be told."""

    name: str
    numbers: Sequence[int | None]


def present(*series: Series | None) -> list[Series]:
    """Return those that there are."""
    return [each for each in series if each is not None]
