"""Connecting an account: a registration at its server, a sign-in, and the row that keeps its secrets sealed."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, IntegerField, Value, When
from wagtail.log_actions import log

from sharing.networks import parse_instance
from sharing.networks.http import Outbound
from sharing.networks.posting import conclusions, connector, contract, mastodon_sign_in
from sharing.networks.posting.bluesky import Bluesky
from sharing.networks.posting.telegram import TelegramChannel
from sharing.networks.secret import Secret
from sharing.posting import actions, vault
from sharing.posting.account_models import NetworkApp
from sharing.posting.accounts import ends_at, secrets_of
from sharing.posting.claims import clock
from sharing.posting.models import SocialAccount
from sharing.posting.waking import wake_sender

CONNECT, RECONNECT = "sharing.account.connect", "sharing.account.reconnect"
BLUESKY_ORIGIN = "https://bsky.social"
_S = SocialAccount.State
# Their accounts have one id in the whole world, whichever server they are asked for at.
_KNOWN_EVERYWHERE = {Bluesky.slug, TelegramChannel.slug}
_LONGEST_HOST = 253
_LONGEST_ID = 300


class NotConnected(Exception):
    """Say in a sentence why no account was connected."""


class AnotherAccount(NotConnected):
    """Say that the network let in another account than the one that was to be connected again."""


class KeysMissing(NotConnected):
    """Say that this site must be given a key for secrets before it keeps any."""


@dataclass(frozen=True)
class SignedIn:
    """What a network gave: whose account it is, where, and what it is used with."""

    network: str
    origin: str
    profile: contract.Profile
    credentials: contract.Credentials
    view: str = ""


@dataclass(frozen=True)
class Connected:
    """The account's row, and the state that it was in; "" for one that is new here."""

    account: SocialAccount
    was: str = ""


def require_keys() -> None:
    """Raise KeysMissing where secrets would rest under a key made from SECRET_KEY on a public site."""
    if not settings.EMBEDDED and not settings.POSTING_KEYS:
        raise KeysMissing(
            "This site has no key of its own to encrypt secrets with. Whoever runs it must set POSTING_KEYS first."
        )


def origin_of(typed: str) -> str:
    """Return the origin of a server as people type its name; raises sharing.networks.InvalidInstance.

    One that the operator trusts may have a port, and is asked by plain http unless it was typed with https.
    """
    scheme, _, rest = typed.strip().rpartition("://")
    netloc = rest.rstrip("/")
    if netloc in settings.POSTING_TRUSTED_HOSTS and scheme in {"", "http", "https"}:
        return f"{scheme or 'http'}://{netloc}"
    return f"https://{parse_instance(typed)}"


def app_at(
    origin: str, *, redirect_uri: str, outbound: Outbound, anew: bool = False
) -> mastodon_sign_in.App:
    """Return this site's registration at a server, made now where there is none; raises SignInFailed."""
    rows = NetworkApp.objects.filter(origin=origin, redirect_uri=redirect_uri)
    if anew:
        rows.delete()
    elif known := registered(origin, redirect_uri=redirect_uri):
        return known
    app = mastodon_sign_in.register(
        outbound,
        origin,
        redirect_uri=redirect_uri,
        name=settings.SITE_NAME,
        website=settings.SITE_URL,
    )
    kept = {
        "client_id": app.client_id,
        "client_secret": app.client_secret.reveal(),
        "scopes": app.scopes,
    }
    try:
        with transaction.atomic():
            NetworkApp.objects.update_or_create(
                origin=origin, redirect_uri=redirect_uri, defaults={"secrets": vault.seal(kept)}
            )
    except IntegrityError:
        # Somebody else registered it at this moment; theirs is kept and serves as well.
        return registered(origin, redirect_uri=redirect_uri) or app
    return app


def registered(origin: str, *, redirect_uri: str) -> mastodon_sign_in.App | None:
    """Return the registration that is kept, or None where there is none that can be read."""
    row = NetworkApp.objects.filter(origin=origin, redirect_uri=redirect_uri).first()
    if row is None:
        return None
    try:
        kept = vault.open_(row.secrets)
    except vault.Sealed:
        return None
    return mastodon_sign_in.App(
        origin,
        redirect_uri,
        kept["client_id"],
        Secret(kept["client_secret"]),
        # What was kept before servers were asked has the usual ones.
        tuple(kept.get("scopes", mastodon_sign_in.SCOPES)),
    )


def forget_app(origin: str, *, redirect_uri: str) -> None:
    """Drop a registration that its server no longer knows: the next sign-in makes another."""
    NetworkApp.objects.filter(origin=origin, redirect_uri=redirect_uri).delete()


def mastodon_account(
    origin: str, credentials: contract.Credentials, outbound: Outbound
) -> SignedIn:
    """Ask whose account a new token is; raises NotConnected."""
    blank = contract.Account(origin, "", "", credentials)
    return SignedIn("mastodon", origin, _profile("mastodon", blank, outbound), credentials)


def bluesky_account(
    origin: str, identifier: str, password: Secret, outbound: Outbound, *, view: str = ""
) -> SignedIn:
    """Open a session with an app password; raises conclusions.Stopped, NotConnected."""
    account = Bluesky(outbound).sign_in(origin, identifier, password, view=view)
    profile = _profile("bluesky", account, outbound)
    return SignedIn("bluesky", account.origin, profile, account.credentials, view)


def telegram_account(
    origin: str, token: Secret, channel: str, outbound: Outbound, *, view: str = ""
) -> SignedIn:
    """Ask whether a bot may post in a channel; raises conclusions.Stopped, NotConnected."""
    account = TelegramChannel(outbound).connect(token, channel, origin=origin, view=view)
    profile = _profile("telegram", account, outbound)
    return SignedIn("telegram", account.origin, profile, account.credentials, view)


def keep(
    *, signed_in: SignedIn, by: Any, outbound: Outbound, again: SocialAccount | None = None
) -> Connected:
    """Store an account, or give its access back where it is not kept; raises as `store` does."""
    try:
        return store(signed_in=signed_in, by=by, again=again)
    except NotConnected:
        _give_back(signed_in, outbound)
        raise


def store(*, signed_in: SignedIn, by: Any, again: SocialAccount | None = None) -> Connected:
    """Keep an account with its secrets sealed; raises AnotherAccount, NotConnected.

    One that is here already gets the new secrets, in its own row: what it posted stays with it. A paused one
    stays paused. `again` is the account that was to be connected again; another one is not kept.
    """
    _require_usable(signed_in)
    if again is not None and not _is_same(again, signed_in):
        raise AnotherAccount(
            f"You let in {signed_in.profile.handle}, and {again.handle} was to be connected again. Nothing was "
            f"changed. Try again with {again.handle}."
        )
    try:
        return _stored(signed_in, by)
    except IntegrityError:
        # Somebody connected the same account at this moment: now it is there, and gets these secrets.
        return _stored(signed_in, by)


@transaction.atomic
def _stored(signed_in: SignedIn, by: Any) -> Connected:
    now = clock()
    known = _known(signed_in)
    was = known.state if known else ""
    account = known or SocialAccount(network=signed_in.network, remote_id=signed_in.profile.id)
    _fill(account, signed_in, by, now)
    account.save()
    if was == _S.DISCONNECTED:
        # What a worker gave back since; it was told to be cancelled.
        actions.cancel_waiting(account_id=account.pk, why="The account had been disconnected.")
    log(account, RECONNECT if known else CONNECT, user=by, data={"was": was})
    wake_sender()
    return Connected(account, was)


def _known(signed_in: SignedIn) -> SocialAccount | None:
    """Return the row of this account: the one that is connected, else the one that was last."""
    is_over = Case(
        When(state=_S.DISCONNECTED, then=Value(1)), default=Value(0), output_field=IntegerField()
    )
    rows = SocialAccount.objects.select_for_update().filter(
        network=signed_in.network, remote_id=signed_in.profile.id
    )
    if signed_in.network not in _KNOWN_EVERYWHERE:
        rows = rows.filter(host=urlsplit(signed_in.origin).netloc)
    return rows.order_by(is_over, "-connected_at", "-pk").first()


def _fill(account: SocialAccount, signed_in: SignedIn, by: Any, now: datetime) -> None:
    parts = urlsplit(signed_in.origin)
    secrets = secrets_of(signed_in.credentials, scheme=parts.scheme, view=signed_in.view)
    account.host = parts.netloc
    account.handle = signed_in.profile.handle
    account.name = signed_in.profile.name[:_LONGEST_ID]
    account.secrets = vault.seal(secrets)
    scopes = sorted(scope for scope in signed_in.credentials.scopes if scope.isprintable())
    account.scopes = " ".join(scopes)[:500]
    account.state = _S.PAUSED if account.state == _S.PAUSED else _S.ACTIVE
    account.expires_at = ends_at(signed_in.credentials)
    account.warned_of, account.problem = "", ""
    account.connected_by, account.connected_at = by, now
    account.renewing_until = account.silent_until = None
    account.failures = 0
    account.budget = account.budget_until = None


def _give_back(signed_in: SignedIn, outbound: Outbound) -> None:
    account = contract.Account(
        signed_in.origin, signed_in.profile.id, signed_in.profile.handle, signed_in.credentials
    )
    # What the network keeps nobody here can use: it was never written down.
    with suppress(conclusions.Stopped):
        connector(signed_in.network, outbound).revoke(account)


def _is_same(account: SocialAccount, signed_in: SignedIn) -> bool:
    if (account.network, account.remote_id) != (signed_in.network, signed_in.profile.id):
        return False
    is_there = account.host == urlsplit(signed_in.origin).netloc
    return is_there or signed_in.network in _KNOWN_EVERYWHERE


def _profile(network: str, account: contract.Account, outbound: Outbound) -> contract.Profile:
    try:
        return connector(network, outbound).profile(account)
    except conclusions.Stopped as stopped:
        raise NotConnected(str(stopped)) from None


def _require_usable(signed_in: SignedIn) -> None:
    """Raise NotConnected where a server says of an account what cannot be kept."""
    parts = urlsplit(signed_in.origin)
    told = (signed_in.profile.id, signed_in.profile.handle)
    if (
        not all(told)
        or any(len(each) > _LONGEST_ID or not each.isprintable() for each in told)
        or parts.scheme not in {"http", "https"}
        or not 0 < len(parts.netloc) <= _LONGEST_HOST
        or parts.path not in {"", "/"}
    ):
        raise NotConnected("The server did not say whose account this is.")
