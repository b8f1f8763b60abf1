"""So many visitors, remembered by the code that remembers them: bench.visitors starts it.

It reads how many, and prints a line of JSON: visitors a second, how many were taken for new, and how many came back unnoticed.
"""

import json
import sys
import time
from uuid import UUID

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from bench.site import READER
from sharing import valkey, visitors
from sharing.models import ShareClass
from sharing.stream import Event

# So many of them come back, each with another event.
COME_BACK = 1_000
_TARGETS = 500


def visit(number: int, *, event: int) -> bool:
    """Tell whether a visitor is taken for a new one."""
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    request.META["HTTP_USER_AGENT"] = READER
    seen = Event(
        event_id=UUID(int=event),
        target_id=number % _TARGETS,
        channel="bluesky",
        share_class=ShareClass.INTENT,
        occurred_at=timezone.now(),
    )
    return visitors.is_first_today(request, seen, valkey.Patience())


def main(number: int) -> None:
    """Let visitors come, and some of them come back."""
    # What is measured is memory: a busy machine must not make the server look silent.
    settings.VALKEY_TIMEOUT = 20.0
    began = time.monotonic()
    new = sum(visit(each, event=each) for each in range(number))
    seconds = time.monotonic() - began
    again = range(0, number, max(1, number // COME_BACK))
    unnoticed = sum(visit(each, event=number + each) for each in again)
    print(json.dumps({"rate": number / seconds, "new": new, "unnoticed": unnoticed}))


if __name__ == "__main__":
    main(int(sys.stdin.read()))
