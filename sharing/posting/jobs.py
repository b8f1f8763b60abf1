"""What a worker has in hand: a claimed delivery with all that its network needs to know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sharing.posting.claims import Claim
from sharing.posting.models import Delivery
from sharing.posting.outcomes import Outcome


@dataclass(frozen=True)
class Job:
    """A delivery that this worker alone may write to; it holds no secret, `account_id` leads to them."""

    claim: Claim
    account_id: int
    network: str
    host: str
    remote_account: str
    target_id: int
    text: str
    language: str
    link_code: str
    options: Mapping[str, Any]
    key: str
    prepared: Mapping[str, Any]
    tries: int
    armed_at: datetime | None


class Sender(Protocol):
    """Speaks with the networks; none of its calls touches the database, and all may run in threads.

    `publish` makes at most one request that cannot be taken back. No call raises for what a network does.
    """

    def prepare(self, job: Job) -> Outcome:
        """Return Prepared, or why it cannot be sent: Refused, Later, AccessLost. May be repeated."""
        ...

    def publish(self, job: Job) -> Outcome:
        """Return Published, Refused, Later, AccessLost, or Doubtful."""
        ...

    def look_up(self, job: Job) -> Outcome:
        """Return Published, Absent, Later, AccessLost, or CannotTell."""
        ...


def load(claims: Sequence[Claim]) -> list[Job]:
    """Return the jobs of claims, with one query, in the order of the claims."""
    fences = {claim.delivery_id: claim for claim in claims}
    rows = Delivery.objects.select_related("account").in_bulk(list(fences))
    return [
        Job(
            claim=claim,
            account_id=row.account_id,
            network=row.account.network,
            host=row.account.host,
            remote_account=row.account.remote_id,
            target_id=row.target_id,
            text=row.text,
            language=row.language,
            link_code=row.link_code,
            options=row.options,
            key=row.key,
            prepared=row.prepared,
            tries=row.tries,
            armed_at=row.armed_at,
        )
        for identity, claim in fences.items()
        if (row := rows.get(identity)) is not None and row.fence == claim.fence
    ]
