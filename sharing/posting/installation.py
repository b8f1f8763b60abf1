"""One installation posts from a database; a copy of it, started elsewhere, waits for a person's word.

The database holds an id and the site's address, and the same id lies outside it: in INSTANCE_ID, or in a file of
the data folder. Where they differ nothing is sent. A copy of the whole data folder cannot be told apart.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from wagtail.log_actions import log

from sharing.posting.account_models import PostingSite
from sharing.posting.claims import clock
from sharing.posting.models import Delivery, DeliveryAttempt, SocialPost
from sharing.posting.states import DeliveryState
from sharing.posting.waking import wake_sender

CONFIRM = "sharing.posting.confirm"
_FILE = "instance_id"
_LONGEST_ID = 64
HELD_BACK = (
    "It waited when this site was copied, restored or moved, and may have been sent by the other one. Look on "
    "the network, then approve it again."
)


class NoId(Exception):
    """Say in a sentence why this installation cannot be told from others."""


@dataclass(frozen=True)
class Standing:
    """Whether this installation posts; `reasons` say in sentences why it does not."""

    reasons: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def is_ours(self) -> bool:
        """Tell whether posts go out from here."""
        return not self.reasons


def standing() -> Standing:
    """Return whether this installation posts, without writing anything: one query and one small file."""
    site = PostingSite.objects.first()
    return Standing() if site is None else _standing(site)


def may_post() -> bool:
    """Tell whether posts may go out now; the first one to ask becomes the site that posts. Raises NoId."""
    site = PostingSite.objects.first()
    if site is None:
        try:
            with transaction.atomic():
                PostingSite.objects.create(instance_id=_made_id(), site_url=settings.SITE_URL)
        except IntegrityError:
            # Another process was first: who it was is read at the next sweep.
            return False
        return True
    found = _standing(site)
    if found.is_ours and site.paused_at is not None:
        # The address or the id is again what it was.
        PostingSite.objects.filter(is_restored=False).update(paused_at=None)
    elif not found.is_ours and site.paused_at is None:
        PostingSite.objects.filter(paused_at=None).update(paused_at=clock())
    return found.is_ours


@transaction.atomic
def confirm(*, by: Any) -> int:
    """Make this installation the one that posts, and return how many deliveries are drafts again. Raises NoId.

    Those whose time came before this was noticed, or since: the other site may have sent them.
    """
    site = PostingSite.objects.select_for_update().first()
    if site is None or _standing(site).is_ours:
        return 0
    now = clock()
    held = sum(_hold_back(each, now) for each in _doubtful(site.paused_at or now, now))
    site.instance_id, site.site_url = _made_id(), settings.SITE_URL
    site.is_restored, site.paused_at = False, None
    site.confirmed_by, site.confirmed_at = by, now
    site.save()
    log(site, CONFIRM, user=by, title=f"Posts go out from {settings.SITE_URL}")
    wake_sender()
    return held


def overdue(standing: Standing) -> int:
    """Return how many deliveries `confirm` would make drafts again."""
    now = clock()
    number: int = _doubtful(standing.since or now, now).count()
    return number


def _standing(site: PostingSite) -> Standing:
    reasons = list(_differences(site))
    return Standing(tuple(reasons), site.paused_at if reasons else None)


def _differences(site: PostingSite) -> Iterator[str]:
    if site.is_restored:
        yield "The database was restored from a backup."
    mine = _id()
    if not mine:
        yield "The database is here and the id of the installation is not: it was copied or moved."
    elif mine != site.instance_id:
        yield "The database belongs to another installation: it was copied, or this site’s id was changed."
    if site.site_url != settings.SITE_URL:
        yield f"The site’s address was {site.site_url} and is {settings.SITE_URL} now."


def _doubtful(since: datetime, now: datetime) -> Any:
    # What waits for its page, too: the other site may have published it.
    return Delivery.objects.filter(
        Q(not_before__lte=now) | Q(not_before=None),
        state=DeliveryState.APPROVED,
        created_at__lt=since,
    )


def _hold_back(delivery: Delivery, now: datetime) -> int:
    moved = Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.APPROVED, fence=delivery.fence
    ).update(
        state=DeliveryState.DRAFT,
        fence=F("fence") + 1,
        not_before=None,
        problem=HELD_BACK,
        changed_at=now,
    )
    if moved:
        SocialPost.objects.filter(pk=delivery.post_id).update(
            approved_by=None, approved_at=None, changed_at=now
        )
        DeliveryAttempt.objects.create(
            delivery=delivery,
            kind=DeliveryAttempt.Kind.PERSON,
            began_at=now,
            ended_at=now,
            led_to=DeliveryState.DRAFT,
            words=HELD_BACK,
        )
    return moved


def _id() -> str:
    """Return this installation's id, or "" where it has none yet."""
    if settings.INSTANCE_ID:
        return str(settings.INSTANCE_ID)[:_LONGEST_ID]
    try:
        return (settings.DATA_DIR / _FILE).read_text(errors="replace").strip()[:_LONGEST_ID]
    except OSError:
        # Not there, or not readable: either way nothing shows that this is the site that posts.
        return ""


def _made_id() -> str:
    """Return this installation's id; make one where it has none. Raises NoId."""
    if found := _id():
        return found
    try:
        _write_id()
    except OSError as error:
        raise NoId(
            f"The id of this installation cannot be written to {_FILE} in the data folder: {error.strerror}. Whoever "
            "runs the site can set INSTANCE_ID instead."
        ) from error
    if found := _id():
        return found
    raise NoId(
        f"The file {_FILE} in the data folder is empty or cannot be read. Whoever runs the site must mend or "
        "remove it."
    )


def _write_id() -> None:
    file = settings.DATA_DIR / _FILE
    # Whole or not at all, and the first of several wins.
    unfinished = file.with_name(f"{_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(16))
        with suppress(FileExistsError):
            os.link(unfinished, file)
    finally:
        unfinished.unlink()
