"""Encrypting every kept secret with the newest key, so that older keys can be thrown away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sharing.posting import vault
from sharing.posting.account_models import NetworkApp
from sharing.posting.models import SocialAccount


@dataclass(frozen=True)
class Rotated:
    """One secret: whose, how far, and what came of it: "done", "kept" (it was done already) or "unreadable"."""

    name: str
    number: int
    of: int
    outcome: str


def rotate_all() -> Iterator[Rotated]:
    """Re-encrypt each secret in turn; it may be stopped at any point and begun again.

    What no key in use opens is left as it is.
    """
    rows: list[tuple[Any, int]] = [
        (model, pk)
        for model in (SocialAccount, NetworkApp)
        for pk in model.objects.exclude(secrets="").order_by("pk").values_list("pk", flat=True)
    ]
    for number, (model, pk) in enumerate(rows, start=1):
        row = model.objects.filter(pk=pk).first()
        name = str(row) if row is not None else f"{model._meta.verbose_name} {pk}"
        yield Rotated(name, number, len(rows), _rotate(model, pk))


def _rotate(model: Any, pk: int) -> str:
    while True:
        sealed = model.objects.filter(pk=pk).values_list("secrets", flat=True).first() or ""
        if vault.is_newest(sealed):
            return "kept"
        try:
            rotated = vault.rotate(sealed)
        except vault.Sealed:
            return "unreadable"
        # A worker may have renewed it meanwhile: then its secrets are looked at again.
        if model.objects.filter(pk=pk, secrets=sealed).update(secrets=rotated):
            return "done"
