"""Connect an account of a server that speaks Mastodon's API: OAuth 2 with PKCE.

https://docs.joinmastodon.org/spec/oauth/ (checked November 2026). Servers that do not know PKCE ignore it.
Everything is sent as a form, which is what OAuth asks for (RFC 6749) and what all servers read.
The caller keeps a `Begun` in the editor's session, uses it once, and throws it away.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from sharing.networks.http import Answered, NotSent, Outbound, OutcomeUnknown
from sharing.networks.posting import reading
from sharing.networks.posting.contract import Credentials
from sharing.networks.secret import Secret

# What is used and no more: who it is, its own posts and their numbers, posting, pictures. Before Mastodon
# 4.3 there is no `profile`; verify_credentials then needs `read:accounts`.
SCOPES = ("read:accounts", "read:statuses", "write:statuses", "write:media")
# Before this version there were no such parts, and whoever asks for them is refused.
_WHOLE = ("read", "write")
_HAS_PARTS = (2, 4, 3)
_VERSION = re.compile(r"([1-9]\d?)\.(\d{1,3})\.(\d{1,3})")
# A hundred years, in seconds: what is longer is no end.
_ERA = 100 * 366 * 24 * 3600


class SignInFailed(Exception):
    """The account could not be connected; says why in a sentence for the editor."""


@dataclass(frozen=True, slots=True)
class App:
    """This site's registration at one server; kept, and used for every account there.

    `scopes` is what it asks for: SCOPES, or what an old server has instead.
    """

    origin: str
    redirect_uri: str
    client_id: str
    client_secret: Secret
    scopes: tuple[str, ...] = SCOPES


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way: where the editor goes, and what must come back."""

    url: str
    state: Secret
    verifier: Secret


def register(outbound: Outbound, origin: str, *, redirect_uri: str, name: str, website: str) -> App:
    """Register this site at a server; raises SignInFailed."""
    scopes = _scopes_at(outbound, origin)
    answer = _ask(
        outbound,
        f"{origin}/api/v1/apps",
        {
            "client_name": name,
            "redirect_uris": redirect_uri,
            "scopes": " ".join(scopes),
            "website": website,
        },
    )
    client_id = reading.text(answer.json, "client_id")
    client_secret = reading.text(answer.json, "client_secret")
    if answer.status >= 300 or not client_id or not client_secret:
        raise SignInFailed(f"{urlsplit(origin).netloc} did not register this site.")
    return App(origin, redirect_uri, client_id, Secret(client_secret), scopes)


def begin(app: App) -> Begun:
    """Make the address that the editor is sent to."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = urlencode(
        {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uri,
            "scope": " ".join(app.scopes),
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
    asked = " ".join(app.scopes)
    answer = _ask(
        outbound,
        f"{app.origin}/oauth/token",
        {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": app.client_id,
            "client_secret": app.client_secret.reveal(),
            "redirect_uri": app.redirect_uri,
            "code_verifier": begun.verifier.reveal(),
            "scope": asked,
        },
    )
    token = reading.text(answer.json, "access_token")
    if answer.status >= 300 or not token:
        raise SignInFailed(
            f"{urlsplit(app.origin).netloc} did not accept the sign-in. Begin again."
        )
    granted = frozenset((reading.text(answer.json, "scope") or asked).split())
    missing = [scope for scope in SCOPES if not granted & {scope, scope.partition(":")[0]}]
    if missing:
        raise SignInFailed(f"The server did not allow all that is needed: {', '.join(missing)}.")
    ends_at = _ends_at(answer.json)
    refresh = reading.text(answer.json, "refresh_token")
    return Credentials(
        Secret(token),
        # What never ends need not be renewed.
        refresh=Secret(refresh) if refresh and ends_at else None,
        client_id=app.client_id,
        client_secret=app.client_secret,
        expires_at=ends_at,
        scopes=granted,
    )


def refreshed(answer: Answered, saved: Credentials) -> Credentials | None:
    """Read the answer to a refresh token; None where it gives no access."""
    token = reading.text(answer.json, "access_token")
    refresh = reading.text(answer.json, "refresh_token")
    if not token:
        return None
    return replace(
        saved,
        access=Secret(token),
        refresh=Secret(refresh) if refresh else saved.refresh,
        expires_at=_ends_at(answer.json),
    )


def _scopes_at(outbound: Outbound, origin: str) -> tuple[str, ...]:
    """Return the least that a server can be asked for, by what it says of its version.

    Only one that has no second description and calls itself older than parts of scopes is asked for the whole.
    """
    try:
        if outbound.request("GET", f"{origin}/api/v2/instance").status != HTTPStatus.NOT_FOUND:
            return SCOPES
        answer = outbound.request("GET", f"{origin}/api/v1/instance")
    except NotSent as reason:
        raise SignInFailed(str(reason)) from None
    except OutcomeUnknown:
        # It says nothing of itself now, and may register this site all the same.
        return SCOPES
    said = reading.text(answer.json, "version")
    # GoToSocial counts its own versions from 0.
    version = _VERSION.match(said)
    is_old = version is not None and tuple(int(part) for part in version.groups()) < _HAS_PARTS
    return _WHOLE if is_old else SCOPES


def _ends_at(answer: object) -> datetime | None:
    """Return when a token ends; most servers' never do, Pixelfed's and Pleroma's say so in seconds."""
    seconds = reading.count(answer, "expires_in")
    return datetime.now(UTC) + timedelta(seconds=seconds) if seconds and seconds < _ERA else None


def _ask(outbound: Outbound, url: str, fields: dict[str, str]) -> Answered:
    try:
        return outbound.request(
            "POST",
            url,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(fields).encode(),
        )
    except (NotSent, OutcomeUnknown) as reason:
        raise SignInFailed(str(reason)) from None
