"""What is to be done, and what could not be."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone


class ChoreQuerySet(models.QuerySet["Chore"]):
    """The words in which chores are asked for."""

    def write(
        self,
        *,
        task: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        not_before: datetime | None = None,
    ) -> "Chore":
        """Write a call down; raises TypeError for arguments that are no JSON."""
        arguments = {"args": list(args), "kwargs": dict(kwargs)}
        call = json.dumps([task, arguments], sort_keys=True)
        key = hashlib.sha256(call.encode()).hexdigest()
        return self.create(task=task, arguments=arguments, key=key, not_before=not_before)

    def waiting(self) -> "ChoreQuerySet":
        """Return what is to be done, now or later, the oldest first."""
        return self.filter(failed_at__isnull=True).order_by("pk")

    def due(self, now: datetime) -> "ChoreQuerySet":
        """Return what may be begun now: nobody is at it, or its worker should have ended by now."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
        waited = Q(not_before__isnull=True) | Q(not_before__lte=now)
        return self.waiting().filter(free, waited)

    def failed(self) -> "ChoreQuerySet":
        """Return what was given up."""
        return self.filter(failed_at__isnull=False)


class Chore(models.Model):
    """One call of a function, written in the transaction that causes it, and deleted once it is done.

    The same call may be written many times; it is done once for all that were written before it began.
    """

    # The function, and what it is called with: {"args": […], "kwargs": {…}}.
    task = models.CharField(max_length=200)
    arguments = models.JSONField()
    # The same for the same call.
    key = models.CharField(max_length=64)
    queued_at = models.DateTimeField(default=timezone.now)
    # Empty at first: the clock of whoever writes may be ahead of the database's.
    not_before = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    # Why it could not be done; its traceback, once it was given up.
    problem = models.TextField(blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    objects = ChoreQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["key"], name="chore_by_key"),
            models.Index(fields=["id"], condition=Q(failed_at__isnull=True), name="chore_waiting"),
        ]

    def __str__(self) -> str:
        return self.task
