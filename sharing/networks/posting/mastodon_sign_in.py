"""Connect an account of a server that speaks Mastodon's API: OAuth 2 with PKCE.

https://docs.joinmastodon.org/spec/oauth/ (checked November 2026). Servers that do not know PKCE ignore it.
The caller keeps a `Begun` in the editor's session, uses it once, and throws it away.
"""

import hashlib
import hmac
import json as json_format
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

from sharing.networks.http import Answered, NotSent, Outbound, OutcomeUnknown
from sharing.networks.posting import reading
from sharing.networks.posting.contract import Credentials
from sharing.networks.secret import Secret

# What is used and no more: who it is, its own posts and their numbers, posting, pictures. Before Mastodon
# 4.3 there is no `profile`; verify_credentials then needs `read:accounts`.
SCOPES = ("read:accounts", "read:statuses", "write:statuses", "write:media")
_SCOPE = " ".join(SCOPES)
# A hundred years, in seconds: what is longer is no end.
_ERA = 100 * 366 * 24 * 3600


class SignInFailed(Exception):
    """The account could not be connected; says why in a sentence for the editor."""


@dataclass(frozen=True, slots=True)
class App:
    """This site's registration at one server; kept, and used for every account there."""

    origin: str
    redirect_uri: str
    client_id: str
    client_secret: Secret


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way: where the editor goes, and what must come back."""

    url: str
    state: Secret
    verifier: Secret


def register(outbound: Outbound, origin: str, *, redirect_uri: str, name: str, website: str) -> App:
    """Register this site at a server; raises SignInFailed."""
    answer = _post(
        outbound,
        f"{origin}/api/v1/apps",
        {"client_name": name, "redirect_uris": redirect_uri, "scopes": _SCOPE, "website": website},
    )
    client_id = reading.text(answer.json, "client_id")
    client_secret = reading.text(answer.json, "client_secret")
    if answer.status >= 300 or not client_id or not client_secret:
        raise SignInFailed(f"{urlsplit(origin).netloc} did not register this site.")
    return App(origin, redirect_uri, client_id, Secret(client_secret))


def begin(app: App) -> Begun:
    """Make the address that the editor is sent to."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = urlencode(
        {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri,
            "scope": _SCOPE,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    return Begun(f"{app.origin}/oauth/authorize?{query}", Secret(state), Secret(verifier))


def finish(
    outbound: Outbound, app: App, begun: Begun, *, state: str, code: str, issuer: str = ""
) -> Credentials:
    """Exchange the code that came back for a token; raises SignInFailed.

    `issuer` is the `iss` parameter, where one came (RFC 9207): another server's is refused.
    """
    if not hmac.compare_digest(state.encode(), begun.state.reveal().encode()):
        raise SignInFailed("This is not the sign-in that was begun here. Begin again.")
    if issuer and issuer.rstrip("/") != app.origin:
        raise SignInFailed("Another server answered than the one that was asked. Begin again.")
    if not code:
        raise SignInFailed("The server did not allow it.")
    answer = _post(
        outbound,
        f"{app.origin}/oauth/token",
        {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": app.client_id,
            "client_secret": app.client_secret.reveal(),
            "redirect_uri": app.redirect_uri,
            "code_verifier": begun.verifier.reveal(),
            "scope": _SCOPE,
        },
    )
    token = reading.text(answer.json, "access_token")
    if answer.status >= 300 or not token:
        raise SignInFailed(
            f"{urlsplit(app.origin).netloc} did not accept the sign-in. Begin again."
        )
    granted = frozenset((reading.text(answer.json, "scope") or _SCOPE).split())
    missing = [scope for scope in SCOPES if not granted & {scope, scope.partition(":")[0]}]
    if missing:
        raise SignInFailed(f"The server did not allow all that is needed: {', '.join(missing)}.")
    return Credentials(
        Secret(token),
        client_id=app.client_id,
        client_secret=app.client_secret,
        expires_at=_ends_at(answer.json),
        scopes=granted,
    )


def _ends_at(answer: object) -> datetime | None:
    """Return when a token ends; most servers' never do, Pixelfed's and Pleroma's say so in seconds."""
    seconds = reading.count(answer, "expires_in")
    return datetime.now(UTC) + timedelta(seconds=seconds) if seconds and seconds < _ERA else None


def _post(outbound: Outbound, url: str, fields: dict[str, str]) -> Answered:
    try:
        return outbound.request(
            "POST",
            url,
            headers={"Content-Type": "application/json"},
            body=json_format.dumps(fields).encode(),
        )
    except (NotSent, OutcomeUnknown) as reason:
        raise SignInFailed(str(reason)) from None
