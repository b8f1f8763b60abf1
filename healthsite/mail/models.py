"""Every mail that the site wants to send, and every attempt to send it."""

from datetime import datetime
from typing import ClassVar

from django.db import models


class MailState(models.TextChoices):
    """Where a mail is; *unknown* is handed over without an answer, and is never sent again by itself."""

    WAITING = "waiting", "Waiting"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"
    KEPT = "kept", "Kept, not sent"


class Outcome(models.TextChoices):
    """What came of one attempt."""

    UNDER_WAY = "under_way", "Under way"
    SENT = "sent", "The server took it"
    LATER = "later", "The server said: later"
    REFUSED = "refused", "The server refused"
    UNREACHABLE = "unreachable", "The server could not be used"
    UNKNOWN = "unknown", "Handed over, without an answer"
    INTERRUPTED = "interrupted", "Interrupted before it was handed over"
    AGAIN = "again", "Sent again by a person"


class OutgoingMailQuerySet(models.QuerySet["OutgoingMail"]):
    """The words of queries about mails."""

    def due(self, now: datetime) -> "OutgoingMailQuerySet":
        """Return mails to send now, the one that waits longest first."""
        return self.filter(state=MailState.WAITING, not_before__lte=now).order_by(
            "not_before", "pk"
        )

    def abandoned(self, now: datetime) -> "OutgoingMailQuerySet":
        """Return mails whose worker should have ended by now."""
        return self.filter(state=MailState.SENDING, lease_until__lt=now)

    def finished_before(self, moment: datetime) -> "OutgoingMailQuerySet":
        """Return mails that nothing more will happen to and that are older than a moment."""
        return self.exclude(state__in=[MailState.WAITING, MailState.SENDING]).filter(
            changed_at__lt=moment
        )


class OutgoingMail(models.Model):
    """One mail as it goes over the wire, written in the transaction of whatever causes it."""

    state = models.CharField(max_length=10, choices=MailState.choices)
    subject = models.TextField()
    sender = models.CharField(max_length=320)
    # What people see and search: To and Cc, as written.
    to_line = models.TextField("to")
    # Addresses: of everybody, of those it must still reach, of those the server refused.
    recipients = models.JSONField()
    outstanding = models.JSONField()
    refused = models.JSONField(default=list)
    # Headers and body. It may hold a password-reset link: only superusers read it.
    message = models.BinaryField()
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField("written")
    changed_at = models.DateTimeField("changed", db_index=True)
    # Trying ends a while after this.
    queued_at = models.DateTimeField()
    not_before = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    # Who holds the lease has the number; a later holder has a higher one.
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    # Set before the first byte of the content goes out: from then on it may have arrived.
    armed_at = models.DateTimeField(null=True)

    objects = OutgoingMailQuerySet.as_manager()

    class Meta:
        default_permissions = ("view", "change")
        verbose_name = "mail"
        verbose_name_plural = "mails"
        indexes: ClassVar = [
            models.Index(fields=["state", "not_before"], name="mail_by_state_and_time")
        ]

    def __str__(self) -> str:
        return self.subject


class MailAttempt(models.Model):
    """One line of a mail's ledger; never changed once it has ended."""

    mail = models.ForeignKey(OutgoingMail, on_delete=models.CASCADE, related_name="attempts")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.UNDER_WAY)
    # The server's words, or whose wish it was.
    words = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [
            models.Index(fields=["outcome", "ended_at"], name="attempt_by_outcome_and_time")
        ]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M:%S} {self.get_outcome_display()}"
