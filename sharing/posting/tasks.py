"""Celery's way in."""

SEND = "sharing.send_posts"
