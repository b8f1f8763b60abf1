"""Accounts as the networks know them: secrets opened only here, and renewed by one worker at a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Q

from sharing.networks.posting import conclusions, contract
from sharing.networks.secret import Secret
from sharing.posting import vault
from sharing.posting.claims import clock
from sharing.posting.models import SocialAccount

# Longer than one renewal can take.
_RENEWAL = timedelta(seconds=30)
# Nobody who has asked for a page waits longer than this for somebody else's renewal.
_RENEWAL_IN_A_REQUEST = timedelta(seconds=2)
_PAUSE = 0.1

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class AccountRow:
    """What a thread needs to know of an account; its secrets are still sealed."""

    network: str
    host: str
    remote_id: str
    handle: str
    sealed: str = field(repr=False)

    @classmethod
    def of(cls, account: SocialAccount) -> "AccountRow":
        """Return what a row says."""
        return cls(
            account.network, account.host, account.remote_id, account.handle, account.secrets
        )


def as_the_network_knows_it(row: AccountRow) -> contract.Account:
    """Return an account with its secrets open; raises vault.Sealed."""
    secrets = vault.open_(row.sealed)
    scheme = secrets.get("scheme", "https")
    return contract.Account(
        origin=f"{scheme}://{row.host}",
        id=row.remote_id,
        handle=row.handle,
        credentials=credentials(secrets),
        view=secrets.get("view", ""),
    )


def with_access(
    account_id: int,
    account: contract.Account,
    connector: contract.Connector,
    do: Callable[[contract.Account], Answer],
) -> Answer:
    """Do it, once more with fresh credentials where the network says that these are over.

    Raises conclusions.Stopped, vault.Sealed.
    """
    try:
        return do(account)
    except conclusions.Stopped as stopped:
        if not isinstance(stopped.outcome, conclusions.CredentialsExpired):
            raise
        return do(connector.renew(account, Keyring(account_id)))


def credentials(secrets: dict[str, Any]) -> contract.Credentials:
    """Return the credentials in a vault's secrets."""

    def secret(name: str) -> Secret | None:
        return Secret(secrets[name]) if secrets.get(name) else None

    ends = secrets.get("expires_at")
    return contract.Credentials(
        access=Secret(secrets.get("access", "")),
        refresh=secret("refresh"),
        password=secret("password"),
        client_id=secrets.get("client_id", ""),
        client_secret=secret("client_secret"),
        expires_at=datetime.fromisoformat(ends) if ends else None,
        scopes=frozenset(secrets.get("scopes", ())),
    )


def secrets_of(
    credentials: contract.Credentials, *, scheme: str = "https", view: str = ""
) -> dict[str, Any]:
    """Return what a vault keeps of credentials."""
    kept: dict[str, Any] = {
        "access": credentials.access.reveal(),
        "refresh": credentials.refresh and credentials.refresh.reveal(),
        "password": credentials.password and credentials.password.reveal(),
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret and credentials.client_secret.reveal(),
        "expires_at": credentials.expires_at and credentials.expires_at.isoformat(),
        "scopes": sorted(credentials.scopes),
        "scheme": scheme,
        "view": view,
    }
    return {name: value for name, value in kept.items() if value}


def ends_at(credentials: contract.Credentials) -> datetime | None:
    """Return when an access ends for good; None where it does not, or is renewed without a person."""
    return None if credentials.refresh or credentials.password else credentials.expires_at


class Keyring:
    """One account's credentials for all workers (contract.Keyring).

    The lock is a lease on the row, not a transaction: nobody's writes wait for a network.
    """

    def __init__(self, account_id: int, *, in_request: bool = False) -> None:
        self._account_id = account_id
        # A sender's thread has a connection of its own, and nobody else closes it; a request has neither that nor time.
        self._in_request = in_request

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the account's credentials alone; raises conclusions.Stopped where others hold on."""
        mine = self._take()
        try:
            yield
        finally:
            self._rows().filter(renewing_until=mine).update(renewing_until=None)
            if not self._in_request:
                connection.close()

    def load(self) -> contract.Credentials:
        """Read the newest ones."""
        return credentials(vault.open_(self._rows().get().secrets))

    def save(self, credentials: contract.Credentials) -> None:
        """Keep these instead."""
        kept = vault.open_(self._rows().get().secrets)
        secrets = secrets_of(
            credentials, scheme=kept.get("scheme", "https"), view=kept.get("view", "")
        )
        # Disconnected meanwhile, it must not get secrets again.
        self._rows().exclude(secrets="").update(
            secrets=vault.seal(secrets), expires_at=ends_at(credentials)
        )

    def _take(self) -> datetime:
        patience = _RENEWAL_IN_A_REQUEST if self._in_request else _RENEWAL
        ends = time.monotonic() + patience.total_seconds()
        while True:
            now = clock()
            until = now + _RENEWAL
            free = Q(renewing_until=None) | Q(renewing_until__lt=now)
            if self._rows().filter(free).update(renewing_until=until):
                return until
            if time.monotonic() > ends:
                words = "The access to this account is being renewed at this moment. Try again in half a minute."
                raise conclusions.Stopped(conclusions.RetryLater(until, words))
            time.sleep(_PAUSE)

    def _rows(self) -> Any:
        return SocialAccount.objects.filter(pk=self._account_id)
