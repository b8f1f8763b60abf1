"""Typed readers of environment variables. Each error names the variable and what it takes.

A text, and all that is made of one, may come from a file: see healthsite/variables.py.
"""

import os
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from healthsite import variables

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    """Return a non-empty string; without a default a missing one raises ImproperlyConfigured."""
    value = secret(name).strip() or default
    if value is None:
        raise ImproperlyConfigured(f"Set {name}: it is required and has no default here.")
    return value


def secret(name: str) -> str:
    """Return a string as it is written, spaces too, or "" where there is none."""
    try:
        return variables.read(name)
    except variables.VariableError as error:
        raise ImproperlyConfigured(str(error)) from error


def secrets(name: str) -> list[str]:
    """Return the items of a list of secrets, with commas or blanks between."""
    return secret(name).replace(",", " ").split()


def flag(name: str, *, default: bool = False) -> bool:
    """Return a boolean; anything but 1/0, true/false, yes/no, on/off raises ImproperlyConfigured."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    value = raw.strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} takes 1 or 0, not {raw!r}.")


def number(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    """Return a whole number from `minimum` to `maximum`; anything else raises ImproperlyConfigured."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        value = minimum - 1
    if value < minimum or (maximum is not None and value > maximum):
        span = f"from {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise ImproperlyConfigured(f"{name} takes a whole number {span}, not {raw!r}.")
    return value


def names(name: str) -> list[str]:
    """Return the items of a comma-separated list, without blanks."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def site_url(name: str, default: str) -> str:
    """Return an http(s) origin as browsers write it; a path or another scheme raises."""
    value = text(name, default).rstrip("/")
    try:
        parts = urlsplit(value)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_valid = urlsplit(""), False
    usable = parts.scheme in {"http", "https"} and port_is_valid
    if (
        not usable
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ImproperlyConfigured(
            f"{name} takes an origin such as https://health.example.org, not {value!r}."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = (
        "" if parts.port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{parts.port}"
    )
    return f"{parts.scheme}://{host}{port}"


def time_zone(name: str, default: str) -> str:
    """Return the name of a time zone; one that does not exist raises ImproperlyConfigured."""
    value = text(name, default)
    if value not in available_timezones():
        raise ImproperlyConfigured(
            f"{name} takes a time zone such as Europe/Berlin, not {value!r}."
        )
    return value


def database(name: str, default: str, *, password: str) -> dict[str, Any]:
    """Return Django's settings of the database at an address; a bad one raises ImproperlyConfigured.

    `password` names the variable of a password kept apart from the address: in a file of its own it
    needs no percent-encoding, and the database's image reads the same file.
    """
    address = text(name, default)
    try:
        settings = dict(dj_database_url.parse(address, conn_max_age=60, conn_health_checks=True))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} takes an address such as postgres://user:password@host/name: {error}"
        ) from error
    if apart := secret(password):
        if settings.get("PASSWORD"):
            raise ImproperlyConfigured(f"{name} holds a password already; unset {password}.")
        if not settings.get("USER"):
            raise ImproperlyConfigured(
                f"{password} is set, and {name} names no user: postgres://user@host/name."
            )
        settings["PASSWORD"] = apart
    return settings
