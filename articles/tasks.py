"""Celery's way in."""

from datetime import timedelta

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from articles.freshness import changes


@shared_task(name="articles.publish_scheduled")
def publish_scheduled() -> None:
    """Publish what is due and expire what has ended; Wagtail leaves the clock to others."""
    call_command("publish_scheduled")


@shared_task(name="articles.forget_changes")
def forget_changes() -> None:
    """Forget changes that every process has read long ago."""
    changes.forget_changes(timezone.now() - timedelta(days=2))
