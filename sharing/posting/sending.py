"""Speaking with the networks: a job becomes the connector's calls, and its answers become outcomes.

Runs in threads without a database: `jobs.load` has read what is needed, and `Keyring` alone writes, on a
connection that it closes.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sharing.networks import posting
from sharing.networks.http import Outbound
from sharing.networks.posting import conclusions, contract
from sharing.posting import accounts, outcomes, vault
from sharing.posting.jobs import Job
from sharing.posting.limits import LimitsMemory
from sharing.posting.outcomes import Outcome

# So many accounts are kept open.
_KNOWN = 64


class Networks:
    """Send through the connectors of `sharing.networks.posting`; safe to share between threads."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._limits = LimitsMemory()
        # Opening the secrets anew for each step would take longer than the rest of it.
        self._known = lru_cache(_KNOWN)(accounts.as_the_network_knows_it)

    def prepare(self, job: Job) -> Outcome:
        """See Sender. Prepared anew for each try, because uploads lapse; the stamp stays the first one's."""
        connector = posting.connector(job.account.network, self._outbound)
        stamp = _stamp(job) or connector.stamp(datetime.now(UTC))

        def do(account: contract.Account) -> Outcome:
            limits = self._limits.of(job.account_id, lambda: connector.limits(account))
            prepared = connector.prepare(account, job.post, stamp, limits)
            return outcomes.Prepared(values={"request": prepared.to_json()})

        return self._with_account(job, connector, do)

    def prepare_at_once(self, job: Job) -> Outcome | None:
        """See Sender."""
        connector = posting.connector(job.account.network, self._outbound)
        if self._limits.known(job.account_id) is None or not connector.prepares_alone(job.post):
            return None
        return self.prepare(job)

    def publish(self, job: Job) -> Outcome:
        """See Sender."""
        connector = posting.connector(job.account.network, self._outbound)
        prepared = contract.Prepared.from_json(job.prepared["request"])

        def do(account: contract.Account) -> Outcome:
            # New credentials may have been waited for.
            if job.is_too_late:
                return outcomes.Later("The access was renewed, too late to send anything now.")
            receipt = connector.send(account, prepared)
            if isinstance(receipt.outcome, conclusions.CredentialsExpired):
                raise conclusions.Stopped(receipt.outcome)
            return _of_receipt(receipt)

        return self._with_account(job, connector, do)

    def look_up(self, job: Job) -> Outcome:
        """See Sender."""
        connector = posting.connector(job.account.network, self._outbound)
        if connector.abilities.repeat is contract.Repeat.NEVER:
            return outcomes.CannotTell(
                f"{connector.name} cannot be searched. Look there, and say whether it is there."
            )
        prepared = contract.Prepared.from_json(job.prepared["request"])
        now = datetime.now(UTC)

        def do(account: contract.Account) -> Outcome:
            match connector.find(account, prepared, sent_at=job.armed_at or now, now=now):
                case conclusions.Found(id_, permalink):
                    return outcomes.Published("Found there.", None, id_, permalink)
                case conclusions.Absent():
                    return outcomes.Absent("It is certainly not there, and is sent again.")
                case conclusions.CannotTell(sentence, again_at):
                    return outcomes.CannotTell(sentence, until=again_at)

        return self._with_account(job, connector, do)

    def _with_account(
        self,
        job: Job,
        connector: contract.Connector,
        do: Callable[[contract.Account], Outcome],
    ) -> Outcome:
        """Do it, once more with fresh credentials where the network says that these are over."""
        try:
            return accounts.with_access(job.account_id, self._known(job.account), connector, do)
        except vault.Sealed as sealed:
            # The operator's keys, not the account: it goes on by itself once they are back.
            return outcomes.Later(str(sealed), everybody=True)
        except conclusions.Stopped as stopped:
            return of_hindrance(stopped.outcome)


def _stamp(job: Job) -> contract.Stamp | None:
    request = job.prepared.get("request")
    return contract.Prepared.from_json(request).stamp if request else None


def _of_receipt(receipt: conclusions.Receipt) -> Outcome:
    budget = _budget(receipt.budget)
    match receipt.outcome:
        case conclusions.Published(id_, permalink):
            return outcomes.Published(receipt.came_back, budget, id_, permalink)
        case conclusions.Unknown(sentence):
            return outcomes.Doubtful(sentence, budget)
        case hindrance:
            return replace(of_hindrance(hindrance), budget=budget)


def of_hindrance(hindrance: Any) -> Outcome:
    """Return what may be concluded from what hindered a call."""
    match hindrance:
        case conclusions.Rejected(sentence):
            return outcomes.Refused(sentence)
        case conclusions.RetryLater(at, sentence, own):
            return outcomes.Later(sentence, until=at, everybody=not own)
        case conclusions.CredentialsExpired(sentence) | conclusions.CredentialsDead(sentence):
            return outcomes.AccessLost(sentence)
        case _:
            raise AssertionError(f"{hindrance} hinders nothing")


def _budget(budget: conclusions.Budget | None) -> outcomes.Budget | None:
    if budget is None or budget.left is None or budget.resets_at is None:
        return None
    return outcomes.Budget(budget.left, budget.resets_at)
