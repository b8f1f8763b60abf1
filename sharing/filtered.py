"""What is no reader's share, counted apart by reason and day; nothing else of it is kept.

A request adds one to a number in the events server. A sweep writes these numbers into the database: never
adds them, so that a sweep that is killed, late or there twice doubles nothing. Whose request objects to being
recorded is in no number either.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

from django.db import models, transaction
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone
from redis import Redis

from sharing import valkey
from sharing.models import UncountedShare

# A day's numbers stay in the events server for so many days after it, should no worker run.
_DAYS_KEPT = 7
_KEY = "share-filtered:"
# The name of the numbers, made with them and lost with them (docs/decisions/0021).
_EPOCH = "epoch"


class Reason(models.TextChoices):
    """Why something is no reader's share. The values are kept in the database."""

    METHOD = "method", "Asked without going there (HEAD)"
    PREFETCH = "prefetch", "Fetched ahead of a click"
    EMBEDDED = "embedded", "In a frame, a picture or another site’s script"
    ROBOT = "robot", "Robots and preview fetchers"
    EDITOR = "editor", "Editors who were signed in"
    REPEAT = "repeat", "The same visitor again on the same day"
    MALFORMED = "malformed", "Malformed"
    FOREIGN = "foreign", "Sent by another site’s page"
    UNKNOWN = "unknown", "Of something unknown or not published"
    TOO_LARGE = "too_large", "Too large"
    TOO_LATE = "too_late", "Too late"
    TOO_EARLY = "too_early", "From the future"


def objects(request: HttpRequest) -> bool:
    """Tell whether a request asks not to be recorded (Global Privacy Control, Do Not Track)."""
    return request.META.get("HTTP_SEC_GPC") == "1" or request.META.get("HTTP_DNT") == "1"


def note(request: HttpRequest, reason: Reason, patience: valkey.Patience) -> None:
    """Add one to the number of a reason today, unless the request objects.

    Never an error: while the events server is silent, nothing is noted.
    """
    if objects(request):
        return
    today = timezone.now().astimezone(UTC).date()
    key = _key(today)
    end = datetime.combine(today + timedelta(days=1 + _DAYS_KEPT), time.min, UTC)
    with suppress(valkey.Silent):
        valkey.events().commands(
            # The name first: a number without one would be nobody's.
            ("HSETNX", key, _EPOCH, uuid4().hex),
            ("HINCRBY", key, reason.value, 1),
            ("EXPIREAT", key, int(end.timestamp())),
            patience=patience,
        )


def sweep() -> int:
    """Write what the events server has into the database, and return how many numbers were new.

    Raises nothing where the server is silent: the next sweep writes it.
    """
    today = timezone.now().astimezone(UTC).date()
    # Tomorrow too, should the clock of a web server be ahead.
    days = [today - timedelta(days=ago) for ago in range(-1, _DAYS_KEPT + 1)]
    try:
        found = valkey.events_for_jobs().ask(lambda client: _numbers(client, days))
    except valkey.Silent:
        return 0
    return _write([row for row in found if row.reason in Reason.values])


def by_reason(first: date, last: date) -> dict[Reason, int]:
    """Return how many there were in a span of days (UTC, both included), zeros included; one query."""
    numbers = dict.fromkeys(Reason, 0)
    for reasons in by_day(first, last).values():
        for reason, number in reasons.items():
            numbers[reason] += number
    return numbers


def by_day(first: date, last: date) -> dict[date, dict[Reason, int]]:
    """Return how many there were on each day (UTC, both included) that had any; one query."""
    rows = (
        UncountedShare.objects.filter(day__range=(first, last), reason__in=Reason.values)
        .order_by("day")
        .values_list("day", "reason")
        .annotate(total=Sum("count"))
    )
    found: dict[date, dict[Reason, int]] = {}
    for day, reason, number in rows:
        # PostgreSQL adds big integers up as decimals.
        found.setdefault(day, {})[Reason(reason)] = int(number)
    return found


def _numbers(client: "Redis", days: Iterable[date]) -> list[UncountedShare]:
    """Return what is in the events server, as rows that are not saved."""
    days = list(days)
    pipeline = client.pipeline(transaction=False)
    for day in days:
        pipeline.hgetall(_key(day))
    rows = []
    for day, fields in zip(days, pipeline.execute(), strict=True):
        source = fields.pop(_EPOCH.encode(), b"").decode()
        # Numbers without a name get one with the next request, and are written then.
        rows += (
            []
            if not source
            else [
                UncountedShare(day=day, reason=reason.decode(), source=source, count=int(number))
                for reason, number in fields.items()
            ]
        )
    return rows


def _write(rows: list[UncountedShare]) -> int:
    """Write the numbers that are larger than what the database has of the same source."""
    if not rows:
        return 0
    known = {
        (row.day, row.reason, row.source): row.count
        for row in UncountedShare.objects.filter(source__in={row.source for row in rows})
    }
    # A server that lost its last second says less than it did; its number catches up.
    new = [row for row in rows if row.count > known.get((row.day, row.reason, row.source), 0)]
    if new:
        with transaction.atomic():
            UncountedShare.objects.bulk_create(
                new,
                update_conflicts=True,
                unique_fields=["day", "reason", "source"],
                update_fields=["count"],
            )
    return len(new)


def _key(day: date) -> str:
    return f"{_KEY}{day.isoformat()}"
