"""Addresses on t.me: of a channel, as people copy or type it, and of a post in it."""

import re
from typing import Any
from urllib.parse import quote, urlsplit

from sharing.networks.posting import reading
from sharing.networks.posting.contract import Account

_WEB = "https://t.me"
_HOSTS = frozenset({"t.me", "telegram.me"})
_CHANNEL_PREFIX = "-100"
_ID_IN_PATH = re.compile(r"/(?:s/)?(?P<name>[A-Za-z][A-Za-z0-9_]{3,31})/(?P<id>[0-9]{1,18})/?")
_ID_IN_PRIVATE_PATH = re.compile(r"/c/(?P<chat>[0-9]{1,18})/(?P<id>[0-9]{1,18})/?")
_CHANNEL_NAME = re.compile(r"@?(?P<name>[A-Za-z][A-Za-z0-9_]{3,31})")
_CHANNEL_ID = re.compile(r"-100[0-9]{1,15}")
_CHANNEL_PATH = re.compile(r"/(?:s/)?(?P<name>[A-Za-z][A-Za-z0-9_]{3,31})(?:/[0-9]*)?/?")
_PRIVATE_CHANNEL_PATH = re.compile(r"/c/(?P<chat>[0-9]{1,15})(?:/[0-9]*)?/?")


def channel_in(typed: str) -> str:
    """Return the channel that people mean, "@name" or its id, by a name, an id or an address; "" where it is none.

    An invitation (t.me/+…) names no channel that a bot could ask for.
    """
    typed = typed.strip()
    if _CHANNEL_ID.fullmatch(typed):
        return typed
    if found := _CHANNEL_NAME.fullmatch(typed):
        return f"@{found['name']}"
    try:
        parts = urlsplit(typed if "://" in typed else f"https://{typed}")
    except ValueError:
        return ""
    if parts.netloc.lower() not in _HOSTS:
        return ""
    if found := _PRIVATE_CHANNEL_PATH.fullmatch(parts.path):
        return f"{_CHANNEL_PREFIX}{found['chat']}"
    found = _CHANNEL_PATH.fullmatch(parts.path)
    return f"@{found['name']}" if found else ""


def post_in(address: str, *, host: str, account_id: str, handle: str) -> str:
    """Return the id of the post of this channel that is at an address, or ""; see Connector.id_in."""
    parts = urlsplit(address)
    if parts.netloc.lower() not in _HOSTS | {host.lower()}:
        return ""
    if found := _ID_IN_PRIVATE_PATH.fullmatch(parts.path):
        return found["id"] if account_id == f"{_CHANNEL_PREFIX}{found['chat']}" else ""
    found = _ID_IN_PATH.fullmatch(parts.path)
    name = handle.removeprefix("@").lower()
    return found["id"] if found and found["name"].lower() == name else ""


def permalink(account: Account, answer: Any, id: int) -> str:
    """Return where people see a post that was just sent."""
    name = reading.text(answer, "result", "chat", "username")
    web = account.view or _WEB
    if name:
        return f"{web}/{quote(name, safe='')}/{id}"
    # Its members alone can open this one.
    return f"{web}/c/{account.id.removeprefix(_CHANNEL_PREFIX)}/{id}"
