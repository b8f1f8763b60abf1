"""Celery's way in."""

from celery import shared_task
from django.core.management import call_command


@shared_task(name="articles.publish_scheduled")
def publish_scheduled() -> None:
    """Publish what is due and expire what has ended; Wagtail leaves the clock to others."""
    call_command("publish_scheduled")
