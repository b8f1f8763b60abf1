"""Making changed pages before a reader asks for them."""

import io
import logging
import re
import sys
import time
from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from articles import freshness
from articles.models import ArticlePage, ChangedName, HomePage
from healthsite.delivery.answers import Headers
from healthsite.delivery.wrapper import Delivery, Environ
from sharing import valkey

logger = logging.getLogger(__name__)

# Where the last sweep ended, in the cache server: nothing is lost with it but a warm page.
_PLACE = "delivery:warmed"
_ARTICLE = re.compile(r"article:(\d+)")
# So many articles in one sweep, and not much longer than this; in seconds.
_MOST_ARTICLES = 50
_LONGEST_SWEEP = 5.0


def warm_changed() -> int:
    """Make the pages of articles that changed since the last sweep; return how many were asked for."""
    newest = ChangedName.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    try:
        known = valkey.volatile().ask(lambda client: client.get(_PLACE))
        if known is not None and int(known) == newest:
            return 0
        valkey.volatile().ask(lambda client: client.set(_PLACE, newest))
    except valkey.Silent:
        # Nothing made here would reach a web process.
        return 0
    if known is None:
        return 0
    changes = ChangedName.objects.filter(pk__gt=int(known), pk__lte=newest)
    names = set(changes.values_list("name", flat=True))
    articles = [int(found[1]) for name in names if (found := _ARTICLE.fullmatch(name))]
    return _warm(_addresses(articles, everything=freshness.EVERYTHING in names))


def _addresses(article_ids: Iterable[int], *, everything: bool) -> Iterable[str]:
    """Yield the paths of the front page and of the articles, newest first where everything changed."""
    for home in HomePage.objects.live():
        yield _path(home.full_url)
    articles = ArticlePage.objects.live().newest_first()
    if not everything:
        articles = articles.filter(pk__in=list(article_ids))
    for article in articles[:_MOST_ARTICLES]:
        address = _path(article.full_url)
        yield address
        for slug in article.sections.live().order_by("position").values_list("slug", flat=True):
            yield f"{address}{slug}/"


def _warm(paths: Iterable[str]) -> int:
    asked = 0
    until = time.monotonic() + _LONGEST_SWEEP
    for path in paths:
        if time.monotonic() > until:
            break
        status = _status(path)
        if not status.startswith("200"):
            logger.warning("delivery: %s was not warmed: %s", path, status)
        asked += 1
    return asked


def _status(path: str) -> str:
    """Ask for a page as a reader does; return the status line."""
    said: list[str] = []

    def start_response(status: str, headers: Headers, exc_info: Any = None) -> None:
        said.append(status)

    response: Any = _delivery()(environ_for(path), start_response)
    for _ in response:
        pass
    if hasattr(response, "close"):
        response.close()
    return said[0]


@cache
def _delivery() -> Delivery:
    return Delivery(get_wsgi_application())


def _path(url: str) -> str:
    return urlsplit(url).path


def environ_for(path: str) -> Environ:
    """Return the WSGI environment of a reader who asks for a path of the site's own."""
    site = urlsplit(settings.SITE_URL)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        # As WSGI has it: bytes, each as the character of its number (PEP 3333).
        "PATH_INFO": unquote(path).encode().decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": site.hostname or "",
        "SERVER_PORT": str(site.port or (443 if site.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": site.netloc,
        "HTTP_ACCEPT_ENCODING": "br",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": site.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if settings.TRUST_PROXY_HEADERS:
        environ["HTTP_X_FORWARDED_PROTO"] = site.scheme
    return environ
