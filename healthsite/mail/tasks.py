"""Celery's way in."""

from celery import shared_task

from healthsite.mail import actions


@shared_task(name="healthsite.send_mail")
def send_mail() -> None:
    """Send the mails that wait."""
    actions.send_due()


@shared_task(name="healthsite.prune_mail")
def prune_mail() -> None:
    """Forget old mails."""
    actions.prune()
