"""What was changed lately, for processes that were not told."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class ChangedName(models.Model):
    """One change of one name (articles.freshness), written in the transaction that changed it."""

    name = models.CharField(max_length=100)
    # Tells this change from every other one.
    number = models.BigIntegerField()
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "changed name"
        indexes: ClassVar = [models.Index(fields=["changed_at"], name="changed_name_by_moment")]

    def __str__(self) -> str:
        return self.name
