"""What a worker has in hand: a claimed delivery with all that its network needs to know."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sharing import card_files, card_queries
from sharing.cards.drawing import HEIGHT as CARD_HEIGHT
from sharing.cards.drawing import WIDTH as CARD_WIDTH
from sharing.links import post_address
from sharing.networks.posting import CONNECTORS, contract
from sharing.posting.accounts import AccountRow
from sharing.posting.claims import Claim
from sharing.posting.models import Delivery
from sharing.posting.outcomes import Outcome
from sharing.posting.states import DeliveryState
from sharing.shareables import Shareable, State, shareables

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A delivery that this worker alone may write to."""

    claim: Claim
    account_id: int
    account: AccountRow
    target_id: int
    post: contract.Post
    # As the network fixed it before the first try; empty until then.
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


def load(claims: Sequence[Claim]) -> tuple[list[Job], list[Claim]]:
    """Return the jobs of claims in their order, and the claims whose pages readers can no longer open.

    A constant number of queries, and a file for each card that goes out with its post.
    """
    rows = Delivery.objects.select_related("account", "target").in_bulk(
        [claim.delivery_id for claim in claims]
    )
    mine = [
        (claim, row)
        for claim in claims
        if (row := rows.get(claim.delivery_id)) is not None and row.fence == claim.fence
    ]
    found = shareables({row.target for _, row in mine})
    jobs, gone = [], []
    for claim, row in mine:
        shared = found[row.target_id]
        # What may be on the network already is looked for, whatever became of its page.
        if shared.state is not State.LIVE and row.state == DeliveryState.PREPARING:
            gone.append(claim)
            continue
        jobs.append(
            Job(
                claim=claim,
                account_id=row.account_id,
                account=AccountRow.of(row.account),
                target_id=row.target_id,
                post=post_of(row, shared),
                prepared=row.prepared,
                tries=row.tries,
                armed_at=row.armed_at,
            )
        )
    return jobs, gone


def post_of(row: Delivery, shared: Shareable) -> contract.Post:
    """Return what a network is to be given; reads the card, where the network takes one from us."""
    return contract.Post(
        text=row.text,
        link=post_address(row.link_code),
        language=row.language,
        visibility=contract.Visibility(row.options.get("visibility", "public")),
        warning=row.options.get("warning", ""),
        card=_card(row, shared) if _brings_its_card(row.account.network) else None,
    )


def _brings_its_card(network: str) -> bool:
    return any(
        each.slug == network and each.abilities.card is contract.CardFrom.POST
        for each in CONNECTORS
    )


def _card(row: Delivery, shared: Shareable) -> contract.Card:
    picture = None
    if digest := card_queries.made_card(row.target_id):
        try:
            data = card_files.read(digest)
        except OSError:
            # Without its picture the card still names the page.
            logger.warning("the share card of target %s cannot be read", row.target_id)
        else:
            picture = contract.Media(
                data,
                "image/png",
                alt=shared.title,
                width=CARD_WIDTH,
                height=CARD_HEIGHT,
                name="card.png",
            )
    return contract.Card(shared.url, shared.title, shared.description, picture)
