"""Celery's way in."""

from celery import shared_task

from sharing import actions, burst_mail, card_actions, filtered, recounting, retention, standings


@shared_task(name="sharing.drain_events")
def drain_events() -> None:
    """Count what was accepted since the last sweep."""
    actions.drain()


@shared_task(name="sharing.sweep_filtered")
def sweep_filtered() -> None:
    """Write down how many requests were no reader's share."""
    filtered.sweep()


@shared_task(name="sharing.tell_of_floods")
def tell_of_floods() -> None:
    """Mail publishers of shares that are held back."""
    burst_mail.tell()


@shared_task(name="sharing.write_standings")
def write_standings() -> None:
    """Write how many shares each target had up to the end of each day that is over."""
    standings.write_missing()


@shared_task(name="sharing.prune_events")
def prune_events() -> None:
    """Forget the ids of events that can no longer come late."""
    actions.prune_events()


@shared_task(name="sharing.forget_days")
def forget_days() -> None:
    """Add days up that are older than they are kept."""
    retention.forget_days()


@shared_task(name="sharing.verify_counts")
def verify_counts() -> None:
    """Compare all sums with the counts of days."""
    recounting.verify()


@shared_task(name="sharing.make_cards")
def make_cards() -> None:
    """Draw the share cards that are wanted and not there."""
    card_actions.make_cards()


@shared_task(name="sharing.tidy_cards")
def tidy_cards() -> None:
    """Remove cards that nobody has used for a month, and find files that are lost."""
    card_actions.tidy_cards()
