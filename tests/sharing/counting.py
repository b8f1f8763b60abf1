"""What the tests of sums have in common: events that are counted on days of one's choice."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

from django.db import connection
from django.utils import timezone

from sharing import actions
from sharing.models import InboxEvent, ShareClass, ShareTarget


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
    """Accept new events of one day and count them."""
    moment = datetime.combine(day, time(12), tzinfo=UTC)
    InboxEvent.objects.bulk_create(
        InboxEvent(
            event_id=uuid4(),
            target=target,
            channel=channel,
            share_class=share_class,
            occurred_at=moment,
            accepted_at=moment,
        )
        for _ in range(number)
    )
    actions.drain_inbox()


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
