"""What is kept beside the counts of days: sums that are read often, and what is not counted, or not yet.

`ShareCount` (sharing/models.py) is the truth: one row a target, channel, class and day. Everything here but
floods and refusals can be computed from it again, and `sharing/recounting` does (docs/decisions/0022).
"""

from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models

# Days that are forgotten are added up under this one, so that sums of days stay sums of everything.
FORGOTTEN_DAYS = date(1970, 1, 1)


class ClassNumbers(models.Model):
    """A number for each class of `ShareClass`, under the class's own name."""

    intent = models.PositiveBigIntegerField(default=0)
    handed_over = models.PositiveBigIntegerField(default=0)
    arrival = models.PositiveBigIntegerField(default=0)
    observed = models.PositiveBigIntegerField(default=0)
    mention = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True


class ShareTotal(ClassNumbers):
    """How many events a target had in all; written in the commit that counts its days."""

    target = models.OneToOneField(
        "sharing.ShareTarget", on_delete=models.PROTECT, primary_key=True, related_name="total"
    )

    def __str__(self) -> str:
        return f"target {self.target_id}"


class ShareDay(models.Model):
    """How many events of one class all targets had through one channel on one day (UTC)."""

    day = models.DateField()
    channel = models.CharField(max_length=40)
    share_class = models.CharField(max_length=20)
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["day", "channel", "share_class"], name="share_day_once_per_channel_class"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.share_class} {self.channel}: {self.count}"


class StandingDay(models.Model):
    """A day that is over and whose standings are written: all of them, in one transaction."""

    day = models.DateField(primary_key=True)

    def __str__(self) -> str:
        return self.day.isoformat()


# Below it in a standing's number is the target's own, and above it the day.
_DAY = 32


class ShareStandingQuerySet(models.QuerySet["ShareStanding"]):
    """The words in which standings are asked for."""

    def of_day(self, day: date) -> "ShareStandingQuerySet":
        """Return those of one day, which lie side by side."""
        return self.filter(pk__range=ShareStanding.numbers(day))

    def of_target(self, target_id: int, days: Iterable[date]) -> "ShareStandingQuerySet":
        """Return those of one target and some days."""
        return self.filter(pk__in=[ShareStanding.number(day, target_id) for day in days])


class ShareStanding(ClassNumbers):
    """How many events a target had up to the end of a day, that day included.

    The difference of two standings is what a target had in the days between, however many these are:
    a report ranks all targets by reading two rows of each. Targets that never had one have no row.

    The number of a row follows from its day and its target: the table is in order of days, SQLite goes to a row
    without an index, and there can be no second one (docs/decisions/0027).
    """

    id = models.BigAutoField(primary_key=True)
    # No index: a target's standings are found by their numbers.
    target = models.ForeignKey(
        "sharing.ShareTarget", on_delete=models.PROTECT, related_name="+", db_index=False
    )

    objects = ShareStandingQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(target=models.F("id").bitand(2**_DAY - 1)),
                name="share_standing_number_of_target",
            )
        ]

    def __str__(self) -> str:
        return f"target {self.target_id} up to {self.day}"

    @property
    def day(self) -> date:
        """Return the day at whose end it stands."""
        return self.day_of(self.pk)

    @staticmethod
    def number(day: date, target_id: int) -> int:
        """Return the number of a target's standing of a day."""
        return (day.toordinal() << _DAY) + target_id

    @staticmethod
    def day_of(number: int) -> date:
        """Return the day that is in a standing's number."""
        return date.fromordinal(number >> _DAY)

    @classmethod
    def numbers(cls, day: date) -> tuple[int, int]:
        """Return the lowest and the highest number that a standing of a day can have."""
        lowest = cls.number(day, 0)
        return lowest, lowest + 2**_DAY - 1


class ShareHour(models.Model):
    """How many shares of a target were accepted in one hour: what the burst guard compares.

    `accepted` and `counted` are intents and handed-over shares. `counted` is what is in the counts; what is
    above it in `accepted` is held back or dropped. Arrivals always count; beside a flood they help to judge it.
    """

    # Found by the unique constraint, which begins with it.
    target = models.ForeignKey(
        "sharing.ShareTarget", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    hour = models.DateTimeField()
    accepted = models.PositiveBigIntegerField()
    counted = models.PositiveBigIntegerField()
    arrivals = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "hour"], name="share_hour_once_per_target")
        ]
        indexes: ClassVar = [models.Index(fields=["hour"], name="share_hour_by_hour")]

    def __str__(self) -> str:
        return f"target {self.target_id} in {self.hour:%Y-%m-%d %H}:00: {self.accepted}"


class ShareBurst(models.Model):
    """One hour of one target with so many events that they are held back until an editor decides."""

    class State(models.TextChoices):
        HELD = "held", "Held back"
        ACCEPTED = "accepted", "Counted"
        DROPPED = "dropped", "Dropped"

    target = models.ForeignKey("sharing.ShareTarget", on_delete=models.PROTECT, related_name="+")
    hour = models.DateTimeField()
    # What the target could have in this hour before anything was held back.
    limit = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.HELD)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # When publishers were told of it by mail, or of another one of this target on the same day (sharing/burst_mail.py).
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "flood of shares"
        verbose_name_plural = "floods of shares"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "hour"], name="share_burst_once_per_hour")
        ]
        indexes: ClassVar = [models.Index(fields=["state"], name="share_burst_by_state")]

    def __str__(self) -> str:
        return f"target {self.target_id} in {self.hour:%Y-%m-%d %H}:00"


class HeldCount(models.Model):
    """What a flood had, by channel, class and day: as counts are, so that it can become one.

    It stays when the flood is counted, so that this can be taken back: the flood's state tells what it is.
    """

    burst = models.ForeignKey(ShareBurst, on_delete=models.CASCADE, related_name="held")
    channel = models.CharField(max_length=40)
    share_class = models.CharField(max_length=20)
    day = models.DateField()
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["burst", "channel", "share_class", "day"], name="held_count_once_per_burst"
            )
        ]

    def __str__(self) -> str:
        return f"{self.share_class} {self.channel} {self.day}: {self.count}"


class UncountedShare(models.Model):
    """How many requests were no reader's share, by reason and day (UTC); nothing else of them is kept.

    `source` is the counter in the events server that said so: another one begins at nothing, and the same
    one only grows, so that its number is written and never added.
    """

    day = models.DateField()
    reason = models.CharField(max_length=20)
    source = models.CharField(max_length=36)
    count = models.PositiveBigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["day", "reason", "source"], name="uncounted_once_per_reason_day_source"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.reason}: {self.count}"
