"""Celery's way in."""

from celery import shared_task

from healthsite.chores import actions


@shared_task(name="healthsite.do_chores")
def do_chores() -> None:
    """Do what is due."""
    actions.do_due()


@shared_task(name="healthsite.prune_chores")
def prune_chores() -> None:
    """Forget what was given up long ago."""
    actions.prune()
