"""How many shares each target had up to the end of a day: what a report ranks by, however long its period."""

from sharing.counting import Group


def add_late(groups: list[Group]) -> None:
    """Add what counts on days whose standings are written; in the transaction that counts."""
