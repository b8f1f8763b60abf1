"""Named places where a test may end this process. Nothing happens anywhere else."""

from django.conf import settings

CLAIMED = "claimed"
PREPARED = "prepared"
ARMED = "armed"
SENT = "sent"
RECORDED = "recorded"
ALL = (CLAIMED, PREPARED, ARMED, SENT, RECORDED)


def reached(name: str) -> None:
    """Tell the test settings, where there are any, that a place is reached."""
    if settings.KILL_POINTS is not None:
        settings.KILL_POINTS(name)
