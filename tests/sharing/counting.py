"""What the tests of sums have in common: events that are counted on days of one's choice."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

from django.db import connection, transaction
from django.utils import timezone

from sharing import counting
from sharing.models import ShareClass, ShareTarget
from sharing.stream import Event


def today() -> date:
    """Return this day (UTC)."""
    return timezone.now().astimezone(UTC).date()


def ago(days: int) -> date:
    """Return the day so many days ago (UTC)."""
    return today() - timedelta(days=days)


def count(
    target: ShareTarget,
    day: date,
    number: int = 1,
    *,
    channel: str = "bluesky",
    share_class: ShareClass = ShareClass.INTENT,
) -> None:
    """Count new events of one day, in one transaction, as a drain does."""
    events = [
        Event(
            event_id=uuid4(),
            target_id=target.pk,
            channel=channel,
            share_class=share_class,
            occurred_at=datetime.combine(day, time(12), tzinfo=UTC),
        )
        for _ in range(number)
    ]
    with transaction.atomic():
        new = counting.insert_new(events, recorded_at=timezone.now())
        counting.add_to_counts(counting.grouped(new))


def at_once(*works: Callable[[], object]) -> None:
    """Run each in a thread of its own, with a connection of its own; the first problem is raised."""
    problems: list[BaseException] = []
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        try:
            ready.wait(30)
            work()
        except BaseException as problem:  # noqa: BLE001 - raised below, in the test's own thread
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if problems:
        raise problems[0]
