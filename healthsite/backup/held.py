"""What a restored site must not do: send again what the first site sent after the backup.

A backup is older than its restore. What waited in it was most likely sent meanwhile, by the site that it
was made of. A feature that sends something adds its statement here.
"""

from collections.abc import Collection

_STATEMENTS = {
    "healthsite_outgoingmail": (
        "UPDATE healthsite_outgoingmail SET state = CASE WHEN state = 'sending' THEN 'unknown' "
        "ELSE 'kept' END, lease_until = NULL, problem = 'It waited when the backup was made; the "
        "site may have sent it since. It is not sent again by itself.' "
        "WHERE state IN ('waiting', 'sending')"
    ),
}


def statements(tables: Collection[str]) -> list[str]:
    """Return the SQL, the same on both databases, that holds back what waits in these tables."""
    return [statement for table, statement in _STATEMENTS.items() if table in tables]
