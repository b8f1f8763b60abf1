"""A bare Django view that does one XADD and answers 303."""

import os
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.contestants.bare_settings"

import redis
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from healthsite.supervisor.parent_death import bind_to_main_process

_client = redis.Redis.from_url(os.environ["BENCH_EVENTS_URL"])


def write(request: HttpRequest, code: str, network: str) -> HttpResponse:
    """Add one entry to a stream of its own, of about the size of a share event."""
    entry: Any = {
        "event": f"{code}:{network}:2026-11-25T12:00:00+00:00:0123456789abcdef0123456789abcdef"
    }
    _client.xadd("bench:bare", entry)
    return HttpResponse(status=303, headers={"Location": "https://example.org/"})


def ready(request: HttpRequest) -> HttpResponse:
    """Say that the server answers."""
    return HttpResponse("ok\n")


urlpatterns = [path("healthz", ready), path("share/<str:code>/<slug:network>/", write)]
bind_to_main_process()
application = get_wsgi_application()
