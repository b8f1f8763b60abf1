"""What a post is about: an article or section as published, or as its draft has it."""

from dataclasses import dataclass
from enum import Enum

from django.conf import settings
from django.http import HttpRequest

from sharing import shareables
from sharing.models import ShareTarget
from sharing.networks.text import plain
from sharing.posting.templates import Words
from sharing.shareables import Shareable, State


class Standing(Enum):
    """Whether readers can follow a link to it."""

    LIVE = "live"
    NOT_YET = "not yet"  # it is in the draft, and will be there once that is published
    GONE = "gone"


@dataclass(frozen=True)
class Subject:
    """What there is to say about a target. `changes` tells whether its article has any to publish."""

    target: ShareTarget
    standing: Standing
    title: str
    article_title: str
    description: str
    url: str  # absolute; of a draft, where it will be
    changes: bool

    @property
    def is_section(self) -> bool:
        """Tell whether it is a part of an article."""
        return self.target.block_id is not None

    @property
    def is_live(self) -> bool:
        """Tell whether readers can open it now."""
        return self.standing is Standing.LIVE

    @property
    def is_awaited(self) -> bool:
        """Tell whether readers can open it once its draft is published, and not before."""
        return self.standing is Standing.NOT_YET

    @property
    def can_be_published(self) -> bool:
        """Tell whether there is a publication to wait for."""
        return self.is_awaited or (self.is_live and self.changes)

    @property
    def words(self) -> Words:
        """Return what the variables of a template stand for: in one line each, nothing hidden in it."""
        title = plain(self.title)
        return Words(
            title=title,
            article=plain(self.article_title),
            section=title if self.is_section else "",
            summary=plain(self.description),
            site=settings.SITE_NAME,
        )


def subject_of(target: ShareTarget, request: HttpRequest | None = None) -> Subject:
    """Return what a target is now, for readers where they see it, else in the draft."""
    found = shareables.shareable(target, request)
    changes = shareables.has_unpublished_changes(target.page_id)
    if found.state is State.LIVE:
        return published_subject(found, changes=changes)
    drafted = shareables.drafted(target)
    if drafted is None:
        return Subject(target, Standing.GONE, target.label, found.article_title, "", "", changes)
    return Subject(
        target,
        Standing.NOT_YET,
        drafted.title,
        drafted.article_title,
        drafted.description,
        drafted.url,
        changes,
    )


def published_subject(found: Shareable, *, changes: bool = False) -> Subject:
    """Return what a published article or section is to readers."""
    return Subject(
        found.target,
        Standing.LIVE,
        found.title,
        found.article_title or found.title,
        found.description,
        found.url,
        changes,
    )
