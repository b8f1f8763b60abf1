"""Who may work on a delivery: claims, leases and fences, a batch in one statement on either database.

Times are the database's (PostgreSQL) or this machine's (SQLite, where there is one machine): leases of
workers on several hosts are compared by one clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db import connection
from django.utils import timezone

from sharing.posting.states import DeliveryState
from sharing.posting.value_lists import as_table

# Over twice the longest time that one request may take.
LEASE = timedelta(seconds=120)

_NOTHING: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that one worker alone may write to, for as long as nobody else claims it."""

    delivery_id: int
    fence: int


def clock() -> datetime:
    """Return the time that leases are compared by."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def take_due(limit: int, now: datetime) -> list[Claim]:
    """Claim deliveries that are due, longest due first, so that nobody else prepares or sends them.

    Accounts that are paused, expired, or must not be asked for a while are passed over, and so is what a worker
    ended over: `take_abandoned` takes that.
    """
    return _take(_TAKE_DUE, _due(limit, now), "abandoned = 0")


def take_abandoned(now: datetime) -> list[Claim]:
    """Claim one delivery that is due and that a worker ended over, or none.

    Nothing else should be in the hands of whoever prepares it: it may be what ended that worker.
    """
    return _take(_TAKE_DUE, _due(1, now), "abandoned > 0")


def take_unknown(limit: int, now: datetime) -> list[Claim]:
    """Claim deliveries whose outcome is unknown and that are to be looked for now."""
    return _take(
        _TAKE_UNKNOWN, {"unknown": DeliveryState.UNKNOWN.value, "limit": limit, **_moments(now)}
    )


def arm(
    claims: Iterable[Claim], now: datetime, prepared: Mapping[Claim, Mapping[str, Any]] = _NOTHING
) -> set[Claim]:
    """Commit that these are about to be sent, with the requests; return those that may be.

    What has been claimed again since, by this worker or another one, or whose lease is over, may not.
    """
    wanted = sorted(claims, key=lambda claim: claim.delivery_id)
    if not wanted:
        return set()
    moments = _moments(now)
    rows = [
        (
            claim.delivery_id,
            claim.fence,
            dict(prepared[claim]) if claim in prepared else None,
        )
        for claim in wanted
    ]
    ready, values = as_table(
        "ready", {"id": "bigint", "fence": "bigint", "prepared": "jsonb"}, rows
    )
    statement = f"""
    {ready}
    UPDATE sharing_delivery SET
      state = %s, armed_at = %s, lease_until = %s, changed_at = %s, tries = tries + 1, abandoned = 0,
      prepared = COALESCE(ready.prepared, sharing_delivery.prepared)
    FROM ready
    WHERE sharing_delivery.id = ready.id AND sharing_delivery.fence = ready.fence
      AND sharing_delivery.state = %s AND sharing_delivery.lease_until > %s
    RETURNING sharing_delivery.id, sharing_delivery.fence
    """  # noqa: S608 - placeholders alone are put into the statement
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            [
                *values,
                *(DeliveryState.ARMED.value, moments["now"], moments["until"], moments["now"]),
                *(DeliveryState.PREPARING.value, moments["now"]),
            ],
        )
        return {Claim(*row) for row in cursor.fetchall()}


# SQLite has one writer, and a statement of its own is a transaction: nobody comes in between. Its parser
# knows neither FOR UPDATE nor SKIP LOCKED.
# PostgreSQL may run a subquery once for each row, and then takes more than the limit: hence WITH.
_TAKE_DUE = """
WITH due AS (
  SELECT delivery.id FROM sharing_delivery delivery
  JOIN sharing_socialaccount account ON account.id = delivery.account_id
  WHERE delivery.state = %(approved)s AND delivery.not_before <= %(now)s AND account.state = 'active'
    AND delivery.{which}
    AND (account.silent_until IS NULL OR account.silent_until <= %(now)s)
  ORDER BY delivery.not_before, delivery.id LIMIT %(limit)s {lock}
)
UPDATE sharing_delivery SET state = %(preparing)s, fence = fence + 1, lease_until = %(until)s, changed_at = %(now)s
WHERE id IN (SELECT id FROM due) AND state = %(approved)s
RETURNING id, fence
"""
_TAKE_UNKNOWN = """
WITH due AS (
  SELECT delivery.id FROM sharing_delivery delivery
  JOIN sharing_socialaccount account ON account.id = delivery.account_id
  WHERE delivery.state = %(unknown)s AND delivery.not_before <= %(now)s AND account.state = 'active'
    AND (account.silent_until IS NULL OR account.silent_until <= %(now)s)
    AND (delivery.lease_until IS NULL OR delivery.lease_until < %(now)s)
  ORDER BY delivery.not_before, delivery.id LIMIT %(limit)s {lock}
)
UPDATE sharing_delivery SET fence = fence + 1, lease_until = %(until)s
WHERE id IN (SELECT id FROM due) AND state = %(unknown)s
RETURNING id, fence
"""


def _due(limit: int, now: datetime) -> dict[str, Any]:
    return {
        "approved": DeliveryState.APPROVED.value,
        "preparing": DeliveryState.PREPARING.value,
        "limit": limit,
        **_moments(now),
    }


def _take(statement: str, values: dict[str, Any], which: str = "") -> list[Claim]:
    lock = "FOR UPDATE OF delivery SKIP LOCKED" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(statement.format(lock=lock, which=which), values)
        return [Claim(*row) for row in sorted(cursor.fetchall())]


def _moments(now: datetime) -> dict[str, Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return {"now": adapt(now), "until": adapt(now + LEASE)}
