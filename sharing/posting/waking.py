"""Telling a worker that a post is due."""

from sharing.waking import wake_after_commit

SEND = "sharing.send_posts"


def wake_sender() -> None:
    """Ask a worker to send what is due, once the open transaction is committed."""
    wake_after_commit(SEND)
