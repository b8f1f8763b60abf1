"""Celery's way in."""

from celery import shared_task

from sharing import actions


@shared_task(name="sharing.drain_events")
def drain_events() -> None:
    """Count what was accepted since the last sweep."""
    actions.drain()


@shared_task(name="sharing.prune_events")
def prune_events() -> None:
    """Forget the ids of events that can no longer come late."""
    actions.prune_events()
