"""What can be shared, the events that were accepted, and their counts."""

import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q

# No vowels that make words, no signs that look alike; 31 ** 8 codes.
CODE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
CODE_LENGTH = 8


def new_code() -> str:
    """Return a random share code."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


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

    def __str__(self) -> str:
        return str(self.event_id)


class ShareCount(models.Model):
    """How many events of one class a target had through one channel on one day (UTC)."""

    target = models.ForeignKey(ShareTarget, on_delete=models.PROTECT, related_name="counts")
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


class StreamPosition(models.Model):
    """How far the stream is counted; written in the commit that counts."""

    stream = models.CharField(max_length=60, primary_key=True)
    epoch = models.CharField(max_length=36)
    last_id = models.CharField(max_length=40)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.stream} {self.last_id}"
