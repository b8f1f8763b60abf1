"""One writer of counts at a time: what adds to them, moves them and sums them up must not miss one another."""

from django.db import connection

# PostgreSQL's number for it; any constant does that nothing else takes.
_NUMBER = 0x5C0047


def take() -> None:
    """Hold all counting until the open transaction ends.

    SQLite has one writer anyway: a transaction of ours is IMMEDIATE.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBER])
