"""Accounts on networks, posts, and one delivery for each account that a post goes to."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Count, F, OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import Coalesce

from sharing.posting.states import FINISHED, HELD, DeliveryState

LONGEST_TEXT = 20_000
# Longer than a reader's short link (10) and a campaign's (9): no link can be taken for another kind.
POST_CODE_LENGTH = 11


class SocialAccount(models.Model):
    """An account of the publisher on one network, whose posts we send.

    Never deleted while a delivery names it: disconnected, it keeps its ledger and loses its secrets.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Connected"
        PAUSED = "paused", "Paused"
        # Only the network's word that the access is gone; never trouble that passes.
        EXPIRED = "expired", "Connect again"
        DISCONNECTED = "disconnected", "Disconnected"

    network = models.CharField(max_length=40)
    # The server it is on: an instance, or a personal data server; without scheme.
    host = models.CharField(max_length=253)
    # What the network knows it by, for ever; the handle may change.
    remote_id = models.CharField(max_length=300)
    handle = models.CharField(max_length=300)
    name = models.CharField(max_length=300, blank=True)
    # Encrypted (sharing/posting/vault.py); empty once it is disconnected.
    secrets = models.TextField(blank=True, editable=False)
    scopes = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    # When the access ends unless it is renewed; None where it does not end by itself.
    expires_at = models.DateTimeField(null=True, blank=True)
    # The last mail that told of this end: of how many days before, or of the end itself (sharing/posting/warning.py).
    warned_of = models.CharField(max_length=10, blank=True)
    connected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    connected_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True, blank=True)
    # A worker renews the secrets until then; the others wait for it.
    renewing_until = models.DateTimeField(null=True, blank=True, editable=False)
    # Nobody asks the network for this account before then: a limit of the network, or the breaker.
    silent_until = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    failures = models.PositiveIntegerField(default=0)
    # What is left of the network's allowance until it is given anew; None where it does not say.
    budget = models.PositiveIntegerField(null=True, blank=True)
    budget_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["network", "host", "remote_id"],
                condition=~Q(state="disconnected"),
                name="social_account_connected_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.handle} on {self.network.capitalize()}"


class SocialPost(models.Model):
    """What an editor wants to say about an article or section, and when."""

    class Purpose(models.TextChoices):
        # Once in the life of a target and account, however often the page is published again.
        FIRST_PUBLISH = "first", "At first publication"
        POST = "post", "A post"

    class When(models.TextChoices):
        NOW = "now", "Now"
        AT_PUBLISH = "publish", "When the page is published"
        AT_TIME = "time", "At a time"

    target = models.ForeignKey(
        "sharing.ShareTarget", on_delete=models.PROTECT, related_name="social_posts"
    )
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.POST)
    when = models.CharField(max_length=10, choices=When.choices, default=When.NOW)
    # As it was chosen, “2027-03-28T02:30”: a wall clock's time, and its zone (sharing/posting/scheduling.py).
    local_time = models.CharField(max_length=16, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    # Of the form that it was last saved with: sent twice, the same form makes and changes one post once.
    form_key = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "post"

    def __str__(self) -> str:
        return f"post {self.pk} about target {self.target_id}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """The words in which deliveries are asked for."""

    def due(self, now: datetime) -> "DeliveryQuerySet":
        """Return what should be on its way now, longest due first."""
        return self.filter(state=DeliveryState.APPROVED, not_before__lte=now).order_by(
            "not_before", "pk"
        )

    def abandoned(self, now: datetime) -> "DeliveryQuerySet":
        """Return what a worker held that should have ended by now."""
        return self.filter(state__in=HELD, lease_until__lt=now)

    def with_newest_lines(self, most: int) -> "DeliveryQuerySet":
        """Add each ledger's last lines as `newest_lines`, the newest first, and as `line_count` how many there are."""
        lines = DeliveryAttempt.objects.order_by("-began_at", "-pk")[:most]
        counted = (
            DeliveryAttempt.objects.filter(delivery=OuterRef("pk"))
            .order_by()
            .values("delivery")
            .annotate(number=Count("pk"))
            .values("number")
        )
        return self.prefetch_related(Prefetch("attempts", lines, to_attr="newest_lines")).annotate(
            line_count=Coalesce(Subquery(counted), 0)
        )

    def unfinished(self) -> "DeliveryQuerySet":
        """Return what something is still to happen to."""
        return self.exclude(state__in=FINISHED)


class Delivery(models.Model):
    """One post to one account: what is sent, once, and what came of it.

    The row is the truth; a message to a worker only says that it may look. Whoever claims it raises `fence`,
    and every later write names the fence it was given: a worker that was away too long writes nothing.
    """

    post = models.ForeignKey(SocialPost, on_delete=models.PROTECT, related_name="deliveries")
    account = models.ForeignKey(SocialAccount, on_delete=models.PROTECT, related_name="deliveries")
    # As the post's: together they make it impossible to write the same delivery twice.
    target = models.ForeignKey("sharing.ShareTarget", on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=10, choices=SocialPost.Purpose.choices)
    # The number of the post's own text; 0 for a first publication, which has one for ever.
    revision = models.PositiveIntegerField(default=0)
    text = models.TextField(max_length=LONGEST_TEXT)
    language = models.CharField(max_length=10, blank=True)
    # Visibility, content warning and whatever else a network knows; the connector's own names.
    options = models.JSONField(default=dict)
    # The last part of the short link in the text: arrivals through it are this delivery's.
    link_code = models.CharField(max_length=POST_CODE_LENGTH, unique=True)

    state = models.CharField(max_length=10, choices=DeliveryState.choices)
    # When it was meant to go out.
    due_at = models.DateTimeField(null=True, blank=True)
    # When it may next be claimed: due_at at first, later after a failure or a limit. None: not yet known.
    not_before = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    armed_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    # How many workers in a row ended while they prepared it (sharing/posting/sweeping.py).
    abandoned = models.PositiveSmallIntegerField(default=0, db_default=0)
    # The request, fixed before the first try: its key against a second post is the same at every one.
    prepared = models.JSONField(default=dict)

    remote_id = models.CharField(max_length=500, blank=True)
    permalink = models.URLField(max_length=1000, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "target", "purpose", "revision"], name="delivery_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="published") | ~Q(remote_id=""),
                name="delivery_published_has_an_id",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["preparing", "armed"]) | Q(lease_until__isnull=False),
                name="delivery_held_has_a_lease",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                F("not_before"), F("id"), condition=Q(state="approved"), name="delivery_due"
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["preparing", "armed", "unknown"]),
                name="delivery_held",
            ),
            models.Index(
                fields=["published_at"],
                condition=Q(state="published"),
                name="delivery_published_at",
            ),
            # What waits for a person is counted on the admin's first page.
            models.Index(
                fields=["state"],
                condition=Q(state__in=["unknown", "failed"]),
                name="delivery_needs_a_person",
            ),
            # The calendar reads a month of them.
            models.Index(fields=["due_at"], name="delivery_by_due_at"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}: {self.state}"


class DeliveryAttempt(models.Model):
    """One line of a delivery's ledger: when, what was asked, what came back, in plain words."""

    class Kind(models.TextChoices):
        PREPARE = "prepare", "Prepared"
        PUBLISH = "publish", "Sent"
        LOOK_UP = "look_up", "Looked for it"
        PERSON = "person", "A person decided"
        REMOVE = "remove", "Deleted there"
        CORRECT = "correct", "Corrected there"

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # The state that it led to; empty while it is under way.
    led_to = models.CharField(max_length=10, choices=DeliveryState.choices, blank=True)
    words = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["began_at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} of delivery {self.delivery_id}"
