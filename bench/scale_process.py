"""One site of many articles, measured inside its own process: bench.delivery_scale starts it.

It reads commands and answers them, a line of JSON each: `{"do": "article", "times": 20}` is answered by the
seconds that each time took, and with `"count": true` by the queries that each made.
"""

import io
import itertools
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import django

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import reverse

from articles import queries, sitemap
from articles.models import ArticlePage
from bench.site import READER
from healthsite.chores.models import Chore
from healthsite.delivery.wrapper import Application, Delivery
from healthsite.sitemaps import address_of
from sharing.models import ShareTarget

# So many articles, spread over all that there are, take turns.
ARTICLES = 10
# A kept page is answered sooner than a clock can tell: so many are timed together.
KEPT_TOGETHER = 500

Work = Callable[[], None]


class Site:
    """What readers and editors do, each time with the next of some articles."""

    def __init__(self) -> None:
        self._django: Application = get_wsgi_application()
        self._delivery = Delivery(self._django)
        self._host = urlsplit(settings.SITE_URL).netloc
        self._editor = User.objects.filter(is_superuser=True).first()
        self._numbers = itertools.count(time.time_ns())
        live = queries.live_articles()
        ids = list(live.order_by("pk").values_list("pk", flat=True))
        self._ids = [ids[at * len(ids) // ARTICLES] for at in range(ARTICLES)]
        articles = list(live.filter(pk__in=self._ids))
        self._paths = [urlsplit(article.full_url).path for article in articles]
        self._codes = list(
            ShareTarget.objects.filter(page_id__in=self._ids).values_list("code", flat=True)
        )
        sections = [
            f"{path}{article.parts[2].slug}/"
            for path, article in zip(self._paths, articles, strict=True)
        ]
        middle = live.newest_first()[len(ids) // 2]
        self._works: dict[str, Callable[[], Work]] = {
            "article": self._in_turn(self._paths),
            "section": self._in_turn(sections),
            "home page": self._in_turn(["/"]),
            "older list": self._in_turn([f"/?{urlencode({'after': middle.list_key})}"]),
            "API list": self._in_turn(["/api/v1/articles/"]),
            "sitemap file": self._in_turn([address_of(sitemap.part_of(middle.pk))]),
            "sitemap index": self._in_turn([reverse("sitemap")]),
            "feed": self._in_turn([reverse("feed")]),
            "publish": self._publishing(),
            "kept page": self._kept([*self._paths, *sections]),
            "share intent": self._sharing(),
        }

    def do(self, what: str, times: int) -> list[float]:
        """Return how many seconds something took each time."""
        prepare = self._works[what]
        seconds = []
        for _ in range(times):
            work = prepare()
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
        return seconds

    def count(self, what: str, times: int) -> list[int]:
        """Return how many queries something made each time."""
        prepare = self._works[what]
        counts = []
        for _ in range(times):
            work = prepare()
            made: list[str] = []

            def listen(execute: Any, sql: str, *rest: Any, made: list[str] = made) -> Any:
                made.append(sql)
                return execute(sql, *rest)

            with connection.execute_wrapper(listen):
                work()
            counts.append(len(made))
        return counts

    # --- Readers -------------------------------------------------------------------------------------

    def _in_turn(self, addresses: Sequence[str]) -> Callable[[], Work]:
        """Have Django make the next of these pages, not compressed: that follows from its length alone."""
        turns = itertools.cycle(addresses)
        return lambda: partial(self._ask, self._django, self._environ(next(turns)))

    def _kept(self, addresses: Sequence[str]) -> Callable[[], Work]:
        """Have delivery answer with the next of these pages, which it has."""
        turns = itertools.cycle(addresses)

        def prepare() -> Work:
            environs = [
                self._environ(next(turns)) | {"HTTP_ACCEPT_ENCODING": "gzip, br"}
                for _ in range(KEPT_TOGETHER)
            ]

            def work() -> None:
                for environ in environs:
                    self._ask(self._delivery, environ)

            return work

        return prepare

    def _sharing(self) -> Callable[[], Work]:
        """Let a visitor who was not seen before share the next article or section."""
        turns = itertools.cycle(self._codes)

        def prepare() -> Work:
            path = reverse("sharing:intent", args=[next(turns), "whatsapp"])
            environ = self._environ(path)
            environ["HTTP_USER_AGENT"] = f"{READER} {next(self._numbers)}"
            return partial(self._ask, self._delivery, environ, "303")

        return prepare

    def _environ(self, address: str) -> dict[str, Any]:
        path, _, query = address.partition("?")
        return {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self._host,
            "HTTP_USER_AGENT": READER,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }

    def _ask(self, application: Application, environ: dict[str, Any], status: str = "200") -> None:
        said: list[str] = []

        def start_response(status: str, *_: Any) -> None:
            said.append(status)

        response = application(environ, start_response)
        body = b"".join(response)
        if hasattr(response, "close"):
            response.close()
        if said[0][:3] != status:
            raise RuntimeError(f"{environ['PATH_INFO']} answered {said[0]}: {body[:500]!r}")

    # --- Editors -------------------------------------------------------------------------------------

    def _publishing(self) -> Callable[[], Work]:
        """Let an editor publish a changed standfirst and a changed section, as the editing view does."""
        turns = itertools.cycle(self._ids)

        def prepare() -> Work:
            draft = ArticlePage.objects.get(pk=next(turns)).get_latest_revision_as_object()
            draft.standfirst = f"Edition {next(self._numbers)}."
            section = next(child for child in draft.body if child.block_type == "section")
            section.value["summary"] = draft.standfirst

            def work() -> None:
                draft.save_revision(user=self._editor, log_action=True).publish(user=self._editor)

            return work

        return prepare


def main() -> None:
    """Answer commands until there are no more."""
    site = Site()
    for line in sys.stdin:
        command = json.loads(line)
        ask = site.count if command.get("count") else site.do
        print(json.dumps(ask(command["do"], command["times"])), flush=True)
    # No worker runs: what publishing left to do is forgotten, so that it does not grow from run to run.
    Chore.objects.all().delete()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main()
