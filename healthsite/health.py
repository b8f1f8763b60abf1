"""Liveness and readiness."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from healthsite.chores import queries as chore_queries
from sharing import pipeline, queries, valkey
from sharing.posting import installation

# A sweep that is later than this means that no worker or no beat runs; in seconds.
LATE_SWEEP = 30.0
# The search index and other chores that wait longer than this are late; in seconds.
LATE_CHORE = 120.0
# An accepted share that is not counted after this is late; in seconds.
LATE_SHARE = 60.0


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer while the process can answer at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Tell each part's state; 503 only where readers cannot be served, which needs the database."""
    parts = {
        "database": _state(_database, down="down"),
        "events": _state(lambda: valkey.events().ask(lambda client: client.ping())),
        "cache": _state(lambda: valkey.volatile().ask(lambda client: client.ping())),
        "jobs": _jobs(),
        "chores": _chores(),
        "share_pipeline": _share_pipeline(),
        "posting": _posting(),
    }
    states = {part["state"] for part in parts.values()}
    status = "down" if "down" in states else "ok" if states == {"ok"} else "degraded"
    return JsonResponse({"status": status, "parts": parts}, status=503 if status == "down" else 200)


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _state(question: Callable[[], Any], *, down: str = "silent") -> dict[str, Any]:
    try:
        question()
    except (Error, valkey.Silent) as problem:
        return {"state": down, "detail": type(problem).__name__}
    return {"state": "ok"}


def _jobs() -> dict[str, Any]:
    """Tell whether beat and a worker are at work: share events were counted a moment ago."""
    try:
        age = queries.seconds_since_sweep()
    except valkey.Silent:
        return {"state": "unknown", "detail": "the events server is silent"}
    if age is None:
        return {"state": "waiting", "detail": "nothing was counted yet"}
    return {"state": "ok" if age < LATE_SWEEP else "late", "last_sweep_seconds": round(age, 1)}


def _chores() -> dict[str, Any]:
    """Tell whether the search index and whatever else a save leaves behind is written."""
    try:
        standing = chore_queries.standing()
    except Error as problem:
        return {"state": "unknown", "detail": type(problem).__name__}
    if standing.failed:
        return {"state": "failed", "given_up": standing.failed}
    if standing.waited > LATE_CHORE:
        return {"state": "late", "oldest_waits_seconds": round(standing.waited, 1)}
    return {"state": "ok"}


def _posting() -> dict[str, Any]:
    """Tell whether posts go out from here, or wait because this is a copy of another site."""
    try:
        is_ours = installation.standing().is_ours
    except Error as problem:
        return {"state": "unknown", "detail": type(problem).__name__}
    return {"state": "ok" if is_ours else "paused"}


def _share_pipeline() -> dict[str, Any]:
    """Tell how accepted shares get on; numbers that cannot be had are left out, and it is unknown then.

    One exchange with the events server and two short queries.
    """
    told: dict[str, Any] = {}
    waiting: pipeline.StreamState | None = None
    inbox: pipeline.InboxState | None = None
    missing = []
    try:
        waiting = pipeline.stream_state(valkey.events())
    except valkey.Silent:
        missing.append("the events server is silent")
    else:
        told |= {"stream": waiting.length, "lag_seconds": _rounded(waiting.swept_at)}
        if waiting.set_aside:
            told["set_aside"] = waiting.set_aside
        if waiting.verified and waiting.verified.differences:
            told["sums_that_differ"] = waiting.verified.differences
    try:
        inbox = pipeline.inbox_state()
    except Error as problem:
        missing.append(type(problem).__name__)
    else:
        told["inbox"] = inbox.length
    oldest = pipeline.longest_wait(waiting, inbox)
    told["oldest_unread_seconds"] = None if oldest is None else round(oldest, 1)
    if oldest is not None and oldest > LATE_SHARE:
        state = "late"
    elif missing:
        state = "unknown"
    elif "sums_that_differ" in told:
        state = "differs"
    else:
        state = "ok"
    return {"state": state, **({"detail": ", ".join(missing)} if missing else {}), **told}


def _rounded(moment: datetime | None) -> float | None:
    age = pipeline.seconds_since(moment)
    return None if age is None else round(age, 1)
