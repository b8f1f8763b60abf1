"""What can be shared, the events that were accepted, and their counts."""

import secrets
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Concat, Lower, Upper

from sharing.card_models import CardFile, ShareCard, ShareCardSettings
from sharing.channels import CAMPAIGN_PREFIX
from sharing.count_models import (
    HeldCount,
    ShareBurst,
    ShareDay,
    ShareHour,
    ShareStanding,
    ShareTotal,
    StandingDay,
    UncountedShare,
)
from sharing.networks.text import plain
from sharing.posting.account_models import NetworkApp, PostingSite
from sharing.posting.after_models import PostNumber, PostWatch, PostWish
from sharing.posting.composing_models import AutoPostRule, PostTemplate
from sharing.posting.models import Delivery, DeliveryAttempt, SocialAccount, SocialPost
from sharing.share_settings import ShareSettings

# Models of a module of their own stand here too, where Django looks for them.
__all__ = [
    "CAMPAIGN_CODE_LENGTH",
    "CODE_LENGTH",
    "TOTAL_CLASSES",
    "AutoPostRule",
    "CampaignLink",
    "CardFile",
    "Delivery",
    "DeliveryAttempt",
    "HeldCount",
    "InboxEvent",
    "NetworkApp",
    "PostNumber",
    "PostTemplate",
    "PostWatch",
    "PostWish",
    "PostingSite",
    "ShareBurst",
    "ShareCard",
    "ShareCardSettings",
    "ShareClass",
    "ShareCount",
    "ShareDay",
    "ShareEvent",
    "ShareHour",
    "ShareSettings",
    "ShareStanding",
    "ShareTarget",
    "ShareTotal",
    "SocialAccount",
    "SocialPost",
    "StandingDay",
    "StreamPosition",
    "UncountedShare",
    "new_code",
]

# No vowels that make words, no signs that look alike; 31 ** 8 codes.
CODE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
CODE_LENGTH = 8
# Between a share code (8) and a reader's short link (8 + 2): no link can be taken for another kind.
CAMPAIGN_CODE_LENGTH = 9
LONGEST_CAMPAIGN_NAME = 80


def new_code() -> str:
    """Return a random share code."""
    return _random_code(CODE_LENGTH)


def new_campaign_code() -> str:
    """Return a random code of a campaign link."""
    return _random_code(CAMPAIGN_CODE_LENGTH)


def _random_code(length: int) -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(length))


def validate_one_plain_line(text: str) -> None:
    """Refuse control characters and those that reorder what follows them."""
    if plain(text) != " ".join(text.split()):
        raise ValidationError("Use plain text: this has hidden characters in it.", code="hidden")


class ShareClass(models.TextChoices):
    """What an event tells; classes are never mixed, and only the first two make up a total."""

    INTENT = "intent", "Intents"
    HANDED_OVER = "handed_over", "Handed over"
    ARRIVAL = "arrival", "Arrivals"
    OBSERVED = "observed", "Observed"
    MENTION = "mention", "Mentions"


TOTAL_CLASSES = (ShareClass.INTENT, ShareClass.HANDED_OVER)


class ShareTarget(models.Model):
    """An article or a section as something to share.

    Keyed on identity (page, block), not on an address, and without a foreign key: renamed, moved or
    deleted, it keeps its code and its counts.
    """

    page_id = models.BigIntegerField()
    # Null for the article as a whole.
    block_id = models.UUIDField(null=True, blank=True)
    code = models.CharField(max_length=CODE_LENGTH, unique=True, default=new_code)
    # The title when it was last published: what reports show of a deleted article.
    label = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "article or section"
        verbose_name_plural = "articles and sections"
        indexes: ClassVar = [
            # All of one article: the constraints' own indexes are partial, and lead there from neither part.
            models.Index(fields=["page_id"], name="share_target_by_page"),
            # The first by title, without sorting all.
            models.Index(Upper("label"), "id", name="share_target_by_title"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["page_id"], condition=Q(block_id=None), name="share_target_once_per_article"
            ),
            models.UniqueConstraint(
                fields=["page_id", "block_id"],
                condition=Q(block_id__isnull=False),
                name="share_target_once_per_section",
            ),
        ]

    def __str__(self) -> str:
        return self.label


class EventFields(models.Model):
    """What an accepted event says: a target, a channel, a class and a moment; nothing of a person."""

    target = models.ForeignKey(ShareTarget, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=40)
    share_class = models.CharField(max_length=20, choices=ShareClass.choices)
    occurred_at = models.DateTimeField()

    class Meta:
        abstract = True


class ShareEvent(EventFields):
    """An event that is counted. Its id makes a second one impossible, and is then forgotten."""

    event_id = models.UUIDField(primary_key=True)
    recorded_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.event_id)


class InboxEvent(EventFields):
    """An event accepted while Valkey was silent; the drain counts it and removes it."""

    event_id = models.UUIDField()
    # When it was taken; what was taken by an older release has none, and was taken when it happened.
    accepted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.event_id)


class ShareCount(models.Model):
    """How many events of one class a target had through one channel on one day (UTC)."""

    # Found by the unique constraint, which begins with it.
    target = models.ForeignKey(
        ShareTarget, on_delete=models.PROTECT, related_name="counts", db_index=False
    )
    channel = models.CharField(max_length=40)
    share_class = models.CharField(max_length=20, choices=ShareClass.choices)
    day = models.DateField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["target", "channel", "share_class", "day"],
                name="share_count_once_per_target_channel_class_day",
            )
        ]
        # Reports read a span of days of all targets.
        indexes: ClassVar = [models.Index(fields=["day"], name="share_count_by_day")]

    def __str__(self) -> str:
        return f"{self.share_class} {self.channel} {self.day}: {self.count}"


class CampaignLinkQuerySet(models.QuerySet["CampaignLink"]):
    """The words in which campaign links are asked for."""

    def with_arrivals(self) -> "CampaignLinkQuerySet":
        """Add `arrivals`: how many readers each link brought, as far as they are counted."""
        counted = (
            ShareCount.objects.filter(
                target=OuterRef("target"),
                channel=Concat(Value(CAMPAIGN_PREFIX), OuterRef("code")),
                share_class=ShareClass.ARRIVAL,
            )
            .order_by()
            .values("target")
            .annotate(total=Sum("count"))
            .values("total")
        )
        return self.annotate(arrivals=Coalesce(Subquery(counted), 0))


class CampaignLink(models.Model):
    """A short link with a name of its own, made by an editor for one newsletter, poster or talk.

    It is never deleted: it may be printed, and its counts are told by its name. Ended, it can be reopened.
    """

    target = models.ForeignKey(
        ShareTarget,
        on_delete=models.PROTECT,
        related_name="campaign_links",
        verbose_name="article or section",
    )
    name = models.CharField(
        max_length=LONGEST_CAMPAIGN_NAME,
        validators=[validate_one_plain_line],
        help_text="Where the link will be used, such as “Newsletter, December”. Readers never see it.",
    )
    code = models.CharField(
        max_length=CAMPAIGN_CODE_LENGTH, unique=True, default=new_campaign_code, editable=False
    )
    expires_at = models.DateTimeField(null=True, blank=True, verbose_name="ends")
    # Ended by hand.
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CampaignLinkQuerySet.as_manager()

    class Meta:
        verbose_name = "campaign link"
        constraints: ClassVar = [
            # An ended link gives its name free.
            models.UniqueConstraint(
                "target",
                Lower("name"),
                condition=Q(ended_at=None),
                name="campaign_name_once_per_target_while_running",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def channel(self) -> str:
        """Return the channel that its arrivals are counted under."""
        return f"{CAMPAIGN_PREFIX}{self.code}"

    def is_over(self, now: datetime) -> bool:
        """Tell whether the link was ended, or its time is up: at that very moment it is."""
        return self.ended_at is not None or (self.expires_at is not None and now >= self.expires_at)


class StreamPosition(models.Model):
    """How far the stream is counted; written in the commit that counts."""

    stream = models.CharField(max_length=60, primary_key=True)
    epoch = models.CharField(max_length=36)
    last_id = models.CharField(max_length=40)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.stream} {self.last_id}"
