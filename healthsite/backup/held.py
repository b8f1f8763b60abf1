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
    # What was being sent is looked for on the network; what was not yet armed was certainly not sent.
    "sharing_delivery": (
        "UPDATE sharing_delivery SET state = CASE WHEN state = 'armed' THEN 'unknown' ELSE 'approved' END, "
        "not_before = COALESCE(armed_at, changed_at), lease_until = NULL, fence = fence + 1, "
        "problem = CASE WHEN state = 'armed' THEN 'It was being sent when the backup was made. It is looked "
        "for.' ELSE 'It waited when the backup was made.' END "
        "WHERE state IN ('preparing', 'armed')"
    ),
    # Nothing is sent until a person says that this is the site that posts; what waited is decided then
    # (sharing/posting/installation.py).
    "sharing_postingsite": (
        "UPDATE sharing_postingsite SET is_restored = TRUE, paused_at = CURRENT_TIMESTAMP"
    ),
}


def statements(tables: Collection[str]) -> list[str]:
    """Return the SQL, the same on both databases, that holds back what waits in these tables."""
    return [statement for table, statement in _STATEMENTS.items() if table in tables]
