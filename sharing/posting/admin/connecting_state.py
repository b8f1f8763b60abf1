"""Sign-ins under way, kept in the session of whoever began them: used once, and for ten minutes at most."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from sharing.networks.posting.mastodon_sign_in import Begun
from sharing.networks.secret import Secret
from sharing.posting import vault

LASTS = timedelta(minutes=10)
_KEY = "sharing_sign_ins"
# Of one person at once, each in a tab of its own; the oldest give way.
_MOST = 5


class Foreign(Exception):
    """Say that no such sign-in was begun here, or that it was used already."""


class TooLate(Exception):
    """Say that a sign-in was begun too long ago."""


@dataclass(frozen=True)
class UnderWay:
    """One sign-in: at which server, with what, and which account it is to connect again."""

    origin: str
    begun: Begun
    again: int | None = None


def keep(request: HttpRequest, under_way: UnderWay) -> None:
    """Remember a sign-in; its secrets rest encrypted."""
    kept: dict[str, str] = dict(request.session.get(_KEY, {}))
    state = under_way.begun.state.reveal()
    kept[_name(state)] = vault.seal(
        {
            "origin": under_way.origin,
            "state": state,
            "verifier": under_way.begun.verifier.reveal(),
            "again": under_way.again,
            "user": _user(request),
            "began": timezone.now().isoformat(),
        }
    )
    request.session[_KEY] = dict(list(kept.items())[-_MOST:])


def take(request: HttpRequest, state: str) -> UnderWay:
    """Return the sign-in of a state and forget it; raises Foreign, TooLate."""
    kept: dict[str, str] = dict(request.session.get(_KEY, {}))
    sealed = kept.pop(_name(state), "")
    if not sealed:
        raise Foreign
    request.session[_KEY] = kept
    # Before anybody is asked: the same address a second time finds nothing.
    request.session.save()
    try:
        found: dict[str, Any] = vault.open_(sealed)
    except vault.Sealed:
        raise Foreign from None
    if found["user"] != _user(request) or found["state"] != state:
        raise Foreign
    if timezone.now() - datetime.fromisoformat(found["began"]) > LASTS:
        raise TooLate
    begun = Begun("", Secret(found["state"]), Secret(found["verifier"]))
    return UnderWay(found["origin"], begun, found["again"])


def _name(state: str) -> str:
    # The session's row must not hold what an address shows.
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _user(request: HttpRequest) -> str:
    return str(request.user.pk)
