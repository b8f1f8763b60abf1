"""What a worker has in hand: a claimed delivery with all that its network needs to know."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Protocol

from sharing import card_files, card_queries
from sharing.cards.drawing import HEIGHT as CARD_HEIGHT
from sharing.cards.drawing import WIDTH as CARD_WIDTH
from sharing.links import post_address
from sharing.models import ShareTarget
from sharing.networks.posting import CONNECTORS, contract
from sharing.posting.accounts import AccountRow
from sharing.posting.claims import Claim
from sharing.posting.models import Delivery, SocialAccount
from sharing.posting.outcomes import Budget, Outcome
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
    # What its account may still send, as this was read.
    budget: Budget | None = None
    # On this machine's monotonic clock: later than this the one request is not made any more.
    send_before: float | None = None

    @property
    def is_too_late(self) -> bool:
        """Tell whether others may look for it by the time that a request, begun now, is over."""
        return self.send_before is not None and time.monotonic() > self.send_before


class Sender(Protocol):
    """Speaks with the networks; none of its calls touches the database, and all may run in threads.

    `publish` makes at most one request that cannot be taken back. No call raises for what a network does.
    """

    def prepare(self, job: Job) -> Outcome:
        """Return Prepared, or why it cannot be sent: Refused, Later, AccessLost. May be repeated."""
        ...

    def prepare_at_once(self, job: Job) -> Outcome | None:
        """Do what `prepare` does if that needs no network; return None where it would."""
        ...

    def publish(self, job: Job) -> Outcome:
        """Return Published, Refused, Later, AccessLost, or Doubtful."""
        ...

    def look_up(self, job: Job) -> Outcome:
        """Return Published, Absent, Later, AccessLost, or CannotTell."""
        ...


def load(claims: Sequence[Claim]) -> tuple[list[Job], list[Claim]]:
    """Return the jobs of claims by their ids, and the claims whose pages readers can no longer open.

    A constant number of queries, and a file for each card that goes out with its post.
    """
    fences = {claim.delivery_id: claim for claim in claims}
    # Plain rows: a model of each, with its account's and its target's, takes longer than all the rest here.
    rows = [
        row
        for row in map(
            _Row._make, Delivery.objects.filter(pk__in=fences).values_list(*_Row._fields)
        )
        if row.fence == fences[row.id].fence
    ]
    accounts = SocialAccount.objects.in_bulk({row.account_id for row in rows})
    targets = ShareTarget.objects.in_bulk({row.target_id for row in rows})
    found = shareables(targets.values())
    known = {pk: AccountRow.of(account) for pk, account in accounts.items()}
    cards = card_queries.made_cards(
        {row.target_id for row in rows if _brings_its_card(accounts[row.account_id].network)}
    )
    jobs, gone = [], []
    for row in sorted(rows, key=lambda row: row.id):
        claim, shared = fences[row.id], found[row.target_id]
        # What may be on the network already is looked for, whatever became of its page.
        if shared.state is not State.LIVE and row.state == DeliveryState.PREPARING:
            gone.append(claim)
            continue
        account = known[row.account_id]
        card = (
            _card(row.target_id, cards.get(row.target_id, ""), shared)
            if _brings_its_card(account.network)
            else None
        )
        jobs.append(
            Job(
                claim=claim,
                account_id=row.account_id,
                account=account,
                target_id=row.target_id,
                post=_post(row, card),
                prepared=row.prepared,
                tries=row.tries,
                armed_at=row.armed_at,
                budget=_budget(accounts[row.account_id]),
            )
        )
    return jobs, gone


class _Row(NamedTuple):
    """What a job needs to know of its delivery."""

    id: int
    fence: int
    state: str
    account_id: int
    target_id: int
    text: str
    language: str
    link_code: str
    options: dict[str, Any]
    prepared: dict[str, Any]
    tries: int
    armed_at: datetime | None


def _budget(account: SocialAccount) -> Budget | None:
    if account.budget is None or account.budget_until is None:
        return None
    return Budget(account.budget, account.budget_until)


def post_of(delivery: Delivery, shared: Shareable) -> contract.Post:
    """Return what a network is to be given; reads the card, where the network takes one from us."""
    card = None
    if _brings_its_card(delivery.account.network):
        card = _card(delivery.target_id, card_queries.made_card(delivery.target_id), shared)
    return _post(delivery, card)


def _post(row: "_Row | Delivery", card: contract.Card | None) -> contract.Post:
    link = post_address(row.link_code)
    return contract.Post(
        text=row.text,
        link=link,
        language=row.language,
        visibility=contract.Visibility(row.options.get("visibility", "public")),
        warning=row.options.get("warning", ""),
        # Most readers press the card, not the link in the text: they are told from others all the same.
        card=card and replace(card, url=link),
    )


@cache
def _brings_its_card(network: str) -> bool:
    return any(
        each.slug == network and each.abilities.card is contract.CardFrom.POST
        for each in CONNECTORS
    )


def _card(target_id: int, digest: str, shared: Shareable) -> contract.Card:
    picture = None
    if digest:
        try:
            data = card_files.read(digest)
        except OSError:
            # Without its picture the card still names the page.
            logger.warning("the share card of target %s cannot be read", target_id)
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
