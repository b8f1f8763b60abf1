"""Making, changing, ending and reopening campaign links."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from sharing.models import CampaignLink, ShareTarget


class NameTaken(Exception):
    """Say that a running link of the same article or section has this name already."""


def create(
    *, target: ShareTarget, name: str, expires_at: datetime | None, created_by: Any
) -> CampaignLink:
    """Make a link; raises NameTaken."""
    # A random code that is taken: make another.
    for _ in range(5):
        if is_name_taken(target=target, name=name):
            break
        try:
            with transaction.atomic():
                return CampaignLink.objects.create(
                    target=target, name=name, expires_at=expires_at, created_by=created_by
                )
        except IntegrityError:
            continue
    raise NameTaken(name)


def change(*, link: CampaignLink, name: str, expires_at: datetime | None) -> None:
    """Rename a link, or give it another end; raises NameTaken."""
    _update(link, name=name, expires_at=expires_at)


def end(*, link: CampaignLink) -> None:
    """End a link now; one that was ended before keeps that moment."""
    CampaignLink.objects.filter(pk=link.pk, ended_at=None).update(ended_at=timezone.now())
    link.refresh_from_db()


def reopen(*, link: CampaignLink) -> None:
    """Take back that a link was ended by hand; raises NameTaken where another has its name now."""
    _update(link, ended_at=None)


def is_name_taken(*, target: ShareTarget, name: str, besides: CampaignLink | None = None) -> bool:
    """Tell whether a running link of this target has the name, in capitals or not."""
    others = CampaignLink.objects.filter(target=target, name__iexact=name, ended_at=None)
    if besides is not None:
        others = others.exclude(pk=besides.pk)
    return others.exists()


def _update(link: CampaignLink, **values: Any) -> None:
    try:
        with transaction.atomic():
            CampaignLink.objects.filter(pk=link.pk).update(**values)
    except IntegrityError as error:
        raise NameTaken(values.get("name", link.name)) from error
    link.refresh_from_db()
