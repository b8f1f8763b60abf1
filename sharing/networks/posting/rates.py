"""What servers say about how often they may be asked.

Seen: a count of seconds, an epoch in seconds or milliseconds, an ISO date (Mastodon, GoToSocial), an HTTP
date, nothing at all, and nonsense. A moment is read against the server's own Date, so that neither clock
needs to be right.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from sharing.networks.posting.conclusions import Budget

SOONEST = timedelta(seconds=1)
# The longest any network here limits for is a day; what is beyond that is a mistake and not believed.
LATEST = timedelta(days=1)
UNTOLD = timedelta(minutes=5)
_EPOCH_SECONDS = 10**9
_EPOCH_MILLISECONDS = 10**12
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,9})?")


def budget(headers: Mapping[str, str], now: datetime) -> Budget | None:
    """Read what is left, or None where the server does not say."""
    limit = _count(headers, "x-ratelimit-limit", "ratelimit-limit")
    left = _count(headers, "x-ratelimit-remaining", "ratelimit-remaining")
    wait = _wait(headers, ("x-ratelimit-reset", "ratelimit-reset"), now)
    if limit is None and left is None:
        return None
    return Budget(limit, left, None if wait is None else now + wait)


def retry_at(headers: Mapping[str, str], now: datetime) -> datetime:
    """Return when to ask again after a refusal: never sooner than a second, never later than a day."""
    wait = _wait(headers, ("retry-after", "x-ratelimit-reset", "ratelimit-reset"), now)
    return now + (UNTOLD if wait is None else max(wait, SOONEST))


def _wait(headers: Mapping[str, str], names: tuple[str, ...], now: datetime) -> timedelta | None:
    for name in names:
        wait = _read(headers.get(name, ""), headers, now)
        if wait is not None:
            return wait
    return None


def _read(value: str, headers: Mapping[str, str], now: datetime) -> timedelta | None:
    value = value.strip()
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number >= _EPOCH_MILLISECONDS:
            number /= 1000
        if number < _EPOCH_SECONDS:
            return _believed(number)
        return _believed(number - _servers_now(headers, now).timestamp())
    moment = _moment(value)
    return (
        None if moment is None else _believed((moment - _servers_now(headers, now)).total_seconds())
    )


def _believed(seconds: float) -> timedelta | None:
    """Take what lies in the past as over, and what is absurdly far away in time as not said."""
    if abs(seconds) > LATEST.total_seconds():
        return None
    return timedelta(seconds=max(seconds, 0))


def _servers_now(headers: Mapping[str, str], now: datetime) -> datetime:
    return _moment(headers.get("date", "")) or now


def _moment(value: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(value)
        except (ValueError, TypeError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _count(headers: Mapping[str, str], *names: str) -> int | None:
    for name in names:
        value = headers.get(name, "").strip()
        if value.isdecimal() and len(value) < 10:
            return int(value)
    return None
