"""Secrets of accounts, encrypted where they rest.

Keys come from POSTING_KEYS, the newest first: it encrypts, all of them decrypt. Without any, one is derived from
SECRET_KEY, and whoever changes that key must connect the accounts again. The derived one decrypts also beside
POSTING_KEYS: so a site that gets its first key there loses nothing.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Sealed(Exception):
    """None of the keys opens this: they were changed since it was written."""


def seal(secrets: Mapping[str, Any]) -> str:
    """Return secrets encrypted; they must be JSON."""
    return _keys().encrypt(json.dumps(dict(secrets)).encode()).decode()


def open_(sealed: str) -> dict[str, Any]:
    """Return what was sealed; raises Sealed. An empty text holds nothing."""
    if not sealed:
        return {}
    try:
        opened: dict[str, Any] = json.loads(_keys().decrypt(sealed.encode()))
    except InvalidToken:
        # Without the token in the traceback.
        raise Sealed("The secrets of this account cannot be read with the keys in use.") from None
    return opened


def rotate(sealed: str) -> str:
    """Return secrets encrypted with the newest key; raises Sealed."""
    if not sealed:
        return sealed
    try:
        return _keys().rotate(sealed.encode()).decode()
    except InvalidToken:
        raise Sealed("The secrets of this account cannot be read with the keys in use.") from None


def is_newest(sealed: str) -> bool:
    """Tell whether the newest key alone opens this; an empty text needs none."""
    if not sealed:
        return True
    try:
        Fernet(_all()[0]).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in _all()])


def _all() -> list[str]:
    return [*settings.POSTING_KEYS, _derived(settings.SECRET_KEY)]


@lru_cache(2)
def _derived(secret: str) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", secret.encode(), b"healthsite.sharing.posting", 100_000)
    return base64.urlsafe_b64encode(digest).decode()
