"""Speaking with the networks about posts that are there: deleting, correcting, reading their numbers.

Like `sending`, nothing here touches the database but the renewal of credentials, and no call raises for what
a network does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sharing.networks import posting
from sharing.networks.http import Outbound
from sharing.networks.posting import conclusions, contract
from sharing.posting import accounts
from sharing.posting.accounts import AccountRow
from sharing.posting.outcomes import Done, Later, Outcome, Refused
from sharing.posting.sending import of_hindrance
from sharing.posting.vault import Sealed


@dataclass(frozen=True)
class There:
    """A post that is on its network, and whose it is. `post` is what it says, or is to say from now on."""

    account_id: int
    account: AccountRow
    remote_id: str
    # As it was sent; empty where a person said that the post is there.
    request: str
    post: contract.Post


@dataclass(frozen=True)
class Told:
    """What a network told of some posts, and which host it was. Posts that it left out are not in it."""

    numbers: Sequence[contract.Numbers]
    source: str


@dataclass(frozen=True)
class NotTold:
    """Why a network told nothing; `own` is whether it is the account's own server that hinders."""

    outcome: Outcome
    own: bool


class Afterwards:
    """Ask through the connectors of `sharing.networks.posting`; safe to share between threads."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def delete(self, there: There) -> Outcome:
        """Take a post away; return Done (also where it is gone already), Refused, Later, AccessLost."""
        connector = posting.connector(there.account.network, self._outbound)

        def do(account: contract.Account) -> Outcome:
            connector.delete(account, there.remote_id)
            return Done(f"{connector.name} has it no more.")

        return self._with_access(there, connector, do)

    def correct(self, there: There) -> Outcome:
        """Change what a post says; return Done, Refused, Later, AccessLost."""
        connector = posting.connector(there.account.network, self._outbound)
        if not connector.abilities.edits:
            return Refused(f"Posts on {connector.name} cannot be changed.")
        stamp = (
            contract.Prepared.from_json(there.request).stamp
            if there.request
            else connector.stamp(datetime.now(UTC))
        )

        def do(account: contract.Account) -> Outcome:
            limits = connector.limits(account)
            prepared = connector.prepare(account, there.post, stamp, limits)
            connector.edit(account, there.remote_id, prepared)
            return Done(f"{connector.name} took the new text.")

        return self._with_access(there, connector, do)

    def observe(self, account_id: int, row: AccountRow, ids: Sequence[str]) -> Told | NotTold:
        """Read the numbers of an account's posts."""
        connector = posting.connector(row.network, self._outbound)
        asked = row.host

        def do(account: contract.Account) -> Told:
            nonlocal asked
            asked = connector.counted_by(account)
            return Told(connector.observe(account, ids), asked)

        try:
            account = accounts.as_the_network_knows_it(row)
            return accounts.with_access(account_id, account, connector, do)
        except conclusions.Stopped as stopped:
            return NotTold(of_hindrance(stopped.outcome), own=asked == row.host)
        except Sealed as sealed:
            return NotTold(Later(str(sealed)), own=False)

    def _with_access(
        self,
        there: There,
        connector: contract.Connector,
        do: Callable[[contract.Account], Outcome],
    ) -> Outcome:
        try:
            account = accounts.as_the_network_knows_it(there.account)
            return accounts.with_access(there.account_id, account, connector, do)
        except conclusions.Stopped as stopped:
            return of_hindrance(stopped.outcome)
        except Sealed as sealed:
            return Later(str(sealed))


def abilities(network: str) -> contract.Abilities | None:
    """Return what a network can do, or None where there is no connector for it (any more)."""
    found = _kinds().get(network)
    return found.abilities if found else None


def networks_with_numbers() -> list[str]:
    """Return the networks that tell programs how often a post was shared."""
    return [slug for slug, kind in _kinds().items() if kind.abilities.numbers]


def id_in(network: str, address: str, *, host: str, account_id: str, handle: str = "") -> str:
    """Return the id of the post at an address, or "" where it names none of this account."""
    found = _kinds().get(network)
    if found is None:
        return ""
    return found.id_in(address, host=host, account_id=account_id, handle=handle)


def _kinds() -> dict[str, type[contract.Connector]]:
    return {each.slug: each for each in posting.CONNECTORS}
