"""Renew an account's credentials: one caller at a time, and the others take over what it got."""

from collections.abc import Callable
from dataclasses import replace

from sharing.networks.posting.conclusions import CredentialsDead, Stopped
from sharing.networks.posting.contract import Account, Credentials, Keyring


def renewed(
    account: Account, keyring: Keyring, refresh: Callable[[Credentials], Credentials | None]
) -> Account:
    """Return the account with what `refresh` made of the newest credentials, or with those that another saved.

    A refresh token is good once, so that nobody else may use it meanwhile. None means that there is nothing to
    renew with; raises Stopped then.
    """
    with keyring.lock():
        saved = keyring.load()
        if saved.access != account.credentials.access:
            return replace(account, credentials=saved)
        fresh = refresh(saved)
        if fresh is None:
            raise Stopped(CredentialsDead(f"Connect {account.handle} anew."))
        keyring.save(fresh)
    return replace(account, credentials=fresh)
