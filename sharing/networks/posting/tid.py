"""Make the record keys of the AT Protocol: https://atproto.com/specs/tid (checked November 2026)."""

import secrets
from datetime import datetime

_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_LENGTH = 13


def tid(moment: datetime) -> str:
    """Write microseconds since 1970 and ten random bits as 13 characters that sort by time."""
    number = int(moment.timestamp() * 1_000_000) << 10 | secrets.randbits(10)
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
