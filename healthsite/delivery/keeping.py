"""Which answers are kept, and what they are made from."""

import re
from collections.abc import Callable, Iterable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from wagtail.models import Page

from articles import freshness
from articles.freshness.recording import current_recording
from articles.models import HomePage
from healthsite.delivery import addresses

View = Callable[..., HttpResponseBase]

_LIST_KEY = re.compile(r"\d{1,17}-\d{1,18}", re.ASCII)


def kept(view: View, *names: str) -> View:
    """Return a view whose answers are kept until one of the names is touched."""

    @wraps(view)
    def keeping(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        freshness.keep(*names)
        return view(request, *args, **kwargs)

    return keeping


def keep_page(page: Page, request: HttpRequest) -> None:
    """Keep what Wagtail is about to serve, at the one address that it has.

    Wagtail takes doubled slashes for one, so that a page has as many addresses as anybody likes.
    """
    if "//" in request.path or not request.path.endswith("/"):
        return
    after = request.GET.get("after")
    if after is not None and not _LIST_KEY.fullmatch(after):
        return
    names = [freshness.article(page.pk), freshness.SETTINGS, freshness.ADDRESSES]
    if isinstance(page.specific, HomePage):
        freshness.keep(*names, freshness.LISTS, parameters=["after"])
    else:
        freshness.keep(*names)


def will_be_kept(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Return whether delivery keeps this answer, and so compresses it itself."""
    made = current_recording()
    return (
        made is not None
        and response.status_code == HTTPStatus.OK
        and not response.streaming
        and may_be_kept(made, list(response.items()), request.META["QUERY_STRING"])
    )


def may_be_kept(made: freshness.Recording, headers: Iterable[tuple[str, str]], query: str) -> bool:
    """Return whether an answer with these headers is one for everybody, and this query one of its own."""
    if not made.is_kept or not addresses.has_only(query, made.parameters):
        return False
    for name, value in headers:
        match name.lower():
            case "set-cookie" | "content-encoding":
                return False
            case "vary" if value.lower() != "accept-encoding":
                return False
            case "cache-control" if "private" in value or "no-store" in value:
                return False
    return True
