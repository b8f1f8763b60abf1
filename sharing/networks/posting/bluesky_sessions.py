"""Sessions of the AT Protocol, opened with an app password.

https://docs.bsky.app/docs/api/, lexicons of com.atproto.server (checked November 2026).
"""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from sharing.networks.http import Answered, Expect
from sharing.networks.posting import reading
from sharing.networks.posting.asking import SOON, Asking
from sharing.networks.posting.conclusions import (
    CredentialsDead,
    CredentialsExpired,
    Hindrance,
    RetryLater,
    Stopped,
)
from sharing.networks.posting.contract import Account, Credentials, Keyring, Profile
from sharing.networks.posting.renewing import renewed
from sharing.networks.secret import Secret

_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
# A session that ends so soon is renewed before it is used.
_NEARLY_OVER = timedelta(minutes=2)
_OVER = {"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired"}
_BLOCKED = {"AccountTakedown", "AccountDeactivated", "AccountSuspended", "RepoTakendown"}


class Sessions(Asking):
    """The part of a connector that opens, renews and ends sessions."""

    def sign_in(self, origin: str, identifier: str, password: Secret, *, view: str = "") -> Account:
        """Open a session with an app password; raises Stopped.

        The account's own server may be another one than the one asked, and is told in its answer.
        """
        answer = self._ask(
            origin,
            "POST",
            "/xrpc/com.atproto.server.createSession",
            json=json.dumps(
                {"identifier": identifier.strip().removeprefix("@"), "password": password.reveal()}
            ).encode(),
            allow=frozenset({HTTPStatus.UNAUTHORIZED}),
        )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            host = urlsplit(origin).netloc
            wrong = CredentialsDead(f"{host} does not accept this name and app password.")
            raise Stopped(_blocked(answer, host) or wrong)
        credentials = _credentials(answer, password)
        did = reading.text(answer.json, "did")
        if credentials is None or not did.startswith("did:"):
            raise Stopped(
                RetryLater(self._now() + SOON, f"{urlsplit(origin).netloc} opened no session.")
            )
        return Account(
            _own_server(answer.json) or origin,
            did,
            reading.text(answer.json, "handle"),
            credentials,
            view,
        )

    def renew(self, account: Account, keyring: Keyring) -> Account:
        """Refresh the session, or open a new one with the app password: one caller at a time.

        A refresh token may be used once; whoever waited for the lock takes over what was saved.
        """

        def refresh(saved: Credentials) -> Credentials | None:
            fresh = self._refreshed(account.origin, saved)
            if fresh is None and saved.password:
                return self.sign_in(account.origin, account.id, saved.password).credentials
            return fresh

        return renewed(account, keyring, refresh)

    def revoke(self, account: Account) -> None:
        """End the session. The app password itself can be deleted in Bluesky's own settings only."""
        refresh = account.credentials.refresh
        if refresh:
            self._ask(
                account.origin,
                "POST",
                "/xrpc/com.atproto.server.deleteSession",
                bearer=refresh,
                expects=Expect.NOTHING,
                allow=_REFUSED,
            )

    def profile(self, account: Account) -> Profile:
        """Call com.atproto.server.getSession."""
        self._refuse_an_old_session(account)
        answer = self._ask(
            account.origin,
            "GET",
            "/xrpc/com.atproto.server.getSession",
            bearer=account.credentials.access,
        )
        handle = reading.text(answer.json, "handle")
        return Profile(reading.text(answer.json, "did"), handle, handle, account.credentials.scopes)

    def _refreshed(self, origin: str, saved: Credentials) -> Credentials | None:
        if not saved.refresh:
            return None
        answer = self._ask(
            origin,
            "POST",
            "/xrpc/com.atproto.server.refreshSession",
            bearer=saved.refresh,
            allow=_REFUSED,
        )
        if answer.status in _REFUSED:
            if blocked := _blocked(answer, urlsplit(origin).netloc):
                raise Stopped(blocked)
            return None
        return _credentials(answer, saved.password)

    def _refuse_an_old_session(self, account: Account) -> None:
        expires_at = account.credentials.expires_at
        if expires_at is not None and expires_at - _NEARLY_OVER <= self._now():
            raise Stopped(CredentialsExpired("The session is over."))


def refusal_of_session(answer: Answered, host: str) -> Hindrance | None:
    """Say what a refusal means that is about the session or the account; None where it is about neither."""
    if reading.text(answer.json, "error") in _OVER:
        return CredentialsExpired(f"{host} asks for a new session.")
    return _blocked(answer, host)


def _blocked(answer: Answered, host: str) -> CredentialsDead | None:
    if reading.text(answer.json, "error") not in _BLOCKED:
        return None
    words = reading.said(answer.json, "message") or "the account is blocked"
    return CredentialsDead(f"{host} says: {words}")


def _credentials(answer: Answered, password: Secret | None) -> Credentials | None:
    access = reading.text(answer.json, "accessJwt")
    refresh = reading.text(answer.json, "refreshJwt")
    if not access or not refresh:
        return None
    claims = _claims(access)
    expires = reading.count(claims, "exp")
    scope = reading.text(claims, "scope")
    return Credentials(
        Secret(access),
        Secret(refresh),
        password,
        expires_at=datetime.fromtimestamp(expires, UTC) if expires and expires < 2**33 else None,
        scopes=frozenset({scope} if scope else ()),
    )


def _claims(token: str) -> Any:
    """Read what a session token says of itself: it is the server's to verify, not ours."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        return json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return None


def _own_server(session: Any) -> str:
    services = reading.at(session, "didDoc", "service")
    for service in services if isinstance(services, list) else []:
        if reading.text(service, "id").endswith("#atproto_pds"):
            return reading.text(service, "serviceEndpoint").rstrip("/")
    return ""
