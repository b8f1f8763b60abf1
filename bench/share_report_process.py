"""One site with a year of share counts, whose report an editor reads: bench.share_report starts it.

It reads commands and answers them, a line of JSON each: `{"do": "28 days", "times": 3}` is answered by the
seconds that each time took, and with `"count": true` by the queries of each time: all, and the report's own.
`{"do": "sums"}` is answered by what the report says of 28 days, and by plain sums over the counts.
"""

import csv
import io
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import django
from django.utils import timezone

from healthsite.paths import PROJECT_ROOT

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Sum
from django.test import Client
from django.urls import reverse

from bench.share_year import NOW
from bench.site import READER
from sharing.channels import BY_SLUG
from sharing.models import TOTAL_CLASSES, ShareCount, ShareTarget, ShareTotal

_OWN = str(PROJECT_ROOT / "sharing") + "/"
_EDITOR = "bench-editor"
# In the titles of many articles, and not of all.
_WORD = "cramps"


class Report:
    """The report, as an editor asks for it: with a session, through all middleware, in this process."""

    def __init__(self) -> None:
        middle = ShareTotal.objects.count() // 2
        target = ShareTarget.objects.filter(total__isnull=False).order_by("pk")[middle]
        self.pages: dict[str, dict[str, str]] = {
            "28 days": {},
            "365 days": {"period": "365"},
            "by title": {"ordering": "title"},
            "page 5": {"p": "5"},
            "one article": {"article": str(target.page_id)},
            "one channel": {"channel": next(iter(BY_SLUG))},
            "one class": {"share_class": "arrival"},
            "by title, some": {"title": _WORD},
        }
        self._address = reverse("shares_report")
        self._client = Client(
            headers={"host": urlsplit(settings.SITE_URL).netloc, "user-agent": READER}
        )
        self._client.force_login(_editor())

    def do(self, what: str, times: int) -> list[float]:
        """Return how many seconds a page took each time."""
        seconds = []
        for _ in range(times):
            began = time.perf_counter()
            self._ask(self.pages[what])
            seconds.append(time.perf_counter() - began)
        return seconds

    def count(self, what: str, times: int) -> list[tuple[int, int]]:
        """Return how many queries a page made each time, and how many of them this product's code asked for.

        The others are asked by Wagtail and Django for any page of the admin: session, person, permissions, menu.
        """
        found = []
        for _ in range(times):
            with _listening() as made:
                self._ask(self.pages[what])
            found.append((len(made), sum(made)))
        return found

    def sums(self) -> list[dict[str, int]]:
        """Return the numbers of 28 days: those of two of the report's files, and those of the counts themselves."""
        last = NOW.date()
        rows = (
            ShareCount.objects.filter(day__range=(last - timedelta(27), last))
            .order_by()
            .values_list("share_class")
            .annotate(sum=Sum("count"))
        )
        plain = {name: int(number) for name, number in rows}
        plain["shared"] = sum(plain[each] for each in TOTAL_CLASSES)
        return [self._file("days"), self._file("channels"), plain]

    def _file(self, table: str) -> dict[str, int]:
        """Return the sums of one of the report's files, by the names of classes."""
        text = self._ask({"export": "csv", "table": table}).removeprefix("\N{BYTE ORDER MARK}")
        columns = {
            "Intents": "intent", "Handed over": "handed_over", "Arrivals": "arrival", "Shared": "shared",
        }  # fmt: skip
        sums = dict.fromkeys(columns.values(), 0)
        for row in csv.DictReader(io.StringIO(text)):
            for heading, name in columns.items():
                sums[name] += int(row[heading] or 0)
        return sums

    def _ask(self, query: dict[str, str]) -> str:
        answer = self._client.get(self._address, query)
        content = b"".join(answer) if answer.streaming else answer.content
        if answer.status_code != 200:
            raise RuntimeError(
                f"The report answered {answer.status_code} to {query}: {content[:500]!r}"
            )
        return content.decode()


def _editor() -> User:
    """Return somebody who may do what the site's editors may."""
    editor, is_new = User.objects.get_or_create(username=_EDITOR)
    if is_new:
        editor.groups.add(Group.objects.get(name="Editors"))
    return editor


@contextmanager
def _listening() -> Iterator[list[bool]]:
    """Note of each query whether code of sharing asked for it, or a template that it renders."""
    made: list[bool] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        frame, is_own = sys._getframe(1), False
        while frame is not None and not is_own:
            is_own = frame.f_code.co_filename.startswith(_OWN)
            frame = frame.f_back  # type: ignore[assignment]  # ends with None
        made.append(is_own)
        return execute(sql, *rest)

    with connection.execute_wrapper(listen):
        yield made


def main() -> None:
    """Answer commands until there are no more."""
    report = Report()
    for line in sys.stdin:
        command = json.loads(line)
        what, times = command["do"], command["times"]
        answer: list[Any]
        if what == "sums":
            answer = report.sums()
        else:
            answer = (report.count if command.get("count") else report.do)(what, times)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    # The site's day is the one that its counts end with.
    timezone.now = lambda: NOW
    main()
