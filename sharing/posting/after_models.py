"""What happens to a post once it is on its network: it is deleted or corrected there, and its numbers are read."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from sharing.posting.models import LONGEST_TEXT, Delivery


class PostWish(models.Model):
    """Something that is to be done with a published post on its network, until it is done.

    Both kinds may be repeated without harm: what is gone is deleted, what says the new text is corrected.
    So a worker that dies in the middle leaves nothing but a lease that ends, and the wish is taken up again.
    """

    class Kind(models.TextChoices):
        DELETE = "delete", "Delete it there"
        CORRECT = "correct", "Correct it there"

    class End(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        DROPPED = "dropped", "Dropped"

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="wishes")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # What it is to say from now on; empty where it is to be deleted.
    text = models.TextField(max_length=LONGEST_TEXT, blank=True)
    # Nobody where the page's end asked for it.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField()
    not_before = models.DateTimeField()
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)
    end = models.CharField(max_length=10, choices=End.choices, blank=True)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "post wishes"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["delivery"], condition=Q(ended_at=None), name="post_wish_one_at_a_time"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["not_before"], condition=Q(ended_at=None), name="post_wish_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of delivery {self.delivery_id}"


class PostWatch(models.Model):
    """When the numbers of a published post are next read; `due_at` None is never again."""

    delivery = models.OneToOneField(
        Delivery, on_delete=models.CASCADE, primary_key=True, related_name="watch"
    )
    due_at = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    # Why there was no answer the last time; the numbers stay what they were.
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "post watches"
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="post_watch_due"
            )
        ]

    def __str__(self) -> str:
        return f"watch of delivery {self.delivery_id}"


class PostNumber(models.Model):
    """One number that a network told of one of our posts: the last one that it gave, however old."""

    class Name(models.TextChoices):
        REPOSTS = "reposts", "Reposts"
        QUOTES = "quotes", "Quotes"
        LIKES = "likes", "Likes"
        REPLIES = "replies", "Replies"

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="numbers")
    name = models.CharField(max_length=10, choices=Name.choices)
    value = models.PositiveBigIntegerField()
    as_of = models.DateTimeField()
    # The host that told it.
    source = models.CharField(max_length=253)
    # How much of it the share counts have as *observed*: the most that was ever told.
    counted = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["delivery", "name"], name="post_number_once_per_delivery_and_name"
            )
        ]

    def __str__(self) -> str:
        return f"{self.value} {self.name} of delivery {self.delivery_id}"
