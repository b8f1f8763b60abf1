"""Connecting the demo network of this machine: an account of each kind, to try the site without any of one's own."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from sharing.networks.demo import telegram_api
from sharing.networks.demo.truth import DEMO_ACCOUNTS
from sharing.networks.http import Expect, NotSent, Outbound, OutcomeUnknown
from sharing.networks.posting import conclusions, mastodon_sign_in
from sharing.networks.secret import Secret
from sharing.posting import connecting
from sharing.posting.connecting import Connected, NotConnected


def origin() -> str:
    """Return the demo network's address, or "" where none runs."""
    host = settings.DEMO_NETWORK_HOST
    return f"http://{host}" if host else ""


def connect(*, redirect_uri: str, by: Any, outbound: Outbound) -> list[Connected]:
    """Connect an account of each kind, or connect them again; raises NotConnected."""
    where = origin()
    if not where:
        raise NotConnected("No demo network runs on this machine.")
    name, password = next(iter(DEMO_ACCOUNTS.items()))
    try:
        signed_in = [
            _on_mastodon(where, name, redirect_uri, outbound),
            connecting.bluesky_account(where, name, Secret(password), outbound, view=where),
            connecting.telegram_account(
                where,
                Secret(telegram_api.token_of(name, password)),
                f"@{telegram_api.username_of(name)}",
                outbound,
                view=where,
            ),
        ]
    except (mastodon_sign_in.SignInFailed, conclusions.Stopped, NotSent, OutcomeUnknown) as reason:
        raise NotConnected(f"The demo network did not let us in: {reason}") from None
    return [connecting.store(signed_in=each, by=by) for each in signed_in]


def _on_mastodon(
    where: str, name: str, redirect_uri: str, outbound: Outbound
) -> connecting.SignedIn:
    # It forgets everything when it stops, so an earlier registration says nothing.
    app = connecting.app_at(where, redirect_uri=redirect_uri, outbound=outbound, anew=True)
    begun = mastodon_sign_in.begin(app)
    # What a person does there by pressing its button.
    answer = outbound.request(
        "POST",
        begun.url,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=f"account={name}".encode(),
        expects=Expect.NOTHING,
    )
    came_back = parse_qs(urlsplit(answer.headers.get("location", "")).query)
    credentials = mastodon_sign_in.finish(
        outbound,
        app,
        begun,
        state=came_back.get("state", [""])[0],
        code=came_back.get("code", [""])[0],
    )
    return connecting.mastodon_account(where, credentials, outbound)
