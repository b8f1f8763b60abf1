"""Known devices: a signed cookie says that this browser has signed in with a name before.

A stranger who tries a name a thousand times fills the strangers' counter; its owner's own browser has
another. After OWASP's "device cookies" (checked November 2026). The cookie is set in the admin alone and
opens nothing by itself.
"""

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.crypto import salted_hmac

from healthsite.signing_in.attempts import folded

COOKIE = "known_device"
_SALT = "healthsite.signing_in.devices"
_AGE = 180 * 24 * 3600
# People who share one browser.
_MOST_NAMES = 5


@dataclass(frozen=True)
class Device:
    """A browser: a random number, and keyed hashes of the names that signed in from it."""

    number: str
    names: tuple[str, ...]

    def knows(self, name: str) -> bool:
        """Tell whether this name has signed in from here."""
        return _tag(name) in self.names


def device_of(request: HttpRequest) -> Device | None:
    """Return the device whose cookie a request carries, or None where it is none of ours or too old."""
    try:
        value = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_AGE)
        return Device(number=str(value["number"]), names=tuple(value["names"]))
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None


def remember(request: HttpRequest, response: HttpResponseBase, name: str) -> None:
    """Let this browser carry that the name has signed in from it."""
    known = device_of(request) or Device(number=secrets.token_hex(16), names=())
    names = [_tag(name), *(other for other in known.names if other != _tag(name))][:_MOST_NAMES]
    response.set_cookie(
        COOKIE,
        signing.dumps({"number": known.number, "names": names}, salt=_SALT),
        max_age=_AGE,
        path=reverse("wagtailadmin_home"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _tag(name: str) -> str:
    return salted_hmac(_SALT, folded(name), algorithm="sha256").hexdigest()[:32]
