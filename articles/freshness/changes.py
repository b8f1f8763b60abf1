"""Telling every process that something was published, changed or taken away."""

import secrets
import threading
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction

from articles.freshness.names import EVERYTHING
from articles.freshness.names import gone as gone_name
from articles.freshness.slots import Change, slots
from articles.models.changed_name import ChangedName
from articles.signals import names_changed, names_touched

_thread = threading.local()


def touch(*names: str, gone: bool = False) -> None:
    """Say that what was made from these names is out of date.

    To be called inside the transaction that changes something: the rows are its own, and after it every
    process of this host knows at once. A process that dies in between is made good by the rows, which
    every process reads now and then. With `gone`, nothing that was made before may be shown again, not even
    where nothing newer can be made.
    """
    touched = dict.fromkeys([*names, *(gone_name(name) for name in names if gone)])
    changes = [(name, secrets.randbits(63)) for name in touched]
    ChangedName.objects.bulk_create(
        [ChangedName(name=name, number=number) for name, number in changes]
    )
    names_touched.send(sender=ChangedName, names=list(dict.fromkeys(names)))
    _thread.has_changed = True
    transaction.on_commit(_Committed(changes), robust=True)


class _Committed:
    """What is done after the commit; a class, so that `are_pending` knows it again."""

    def __init__(self, changes: list[Change]) -> None:
        self._changes = changes
        # Django names a callback that failed by this.
        self.__qualname__ = type(self).__qualname__

    def __call__(self) -> None:
        take_over(self._changes)
        names_changed.send(sender=ChangedName, changes=self._changes)


def take_over(changes: Iterable[Change]) -> list[Change]:
    """Make known on this host what was changed here or elsewhere; return what was not known yet."""
    return slots().take_over(changes)


def drop_everything() -> None:
    """Make all that was made out of date at once, for a database that was exchanged for another."""
    names = (EVERYTHING, gone_name(EVERYTHING))
    changes = [(name, secrets.randbits(63)) for name in names]
    take_over(changes)
    names_changed.send(sender=ChangedName, changes=changes)


def are_pending() -> bool:
    """Return whether this thread's transaction changed something that nobody else can see yet."""
    # Most threads never change anything, and Django's way to a thread's connection is a long one.
    return hasattr(_thread, "has_changed") and any(
        isinstance(entry[1], _Committed) for entry in connection.run_on_commit
    )


def recent_changes(since: datetime) -> list[Change]:
    """Return the changes that were committed after `since`."""
    rows = ChangedName.objects.filter(changed_at__gte=since).order_by("pk")
    return list(rows.values_list("name", "number"))


def forget_changes(before: datetime) -> int:
    """Delete the rows that every process has read long ago; return how many."""
    return ChangedName.objects.filter(changed_at__lt=before).delete()[0]
