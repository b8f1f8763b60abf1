"""What may be asked of an address: pages are read, and only what says so takes a form."""

from collections.abc import Callable, Iterable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import Resolver404, resolve

from healthsite.problems import CONTENT_TYPE, is_api_request, problem_response
from healthsite.security import admin_home

READING = ("GET", "HEAD", "OPTIONS")
# Those that the admin or the API may have a use for; anything else is refused everywhere.
KNOWN = frozenset({*READING, "POST", "PUT", "PATCH", "DELETE"})


def refuse_other_methods(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 405 with Allow to a method that an address does not take, before anything else sees it.

    Stock Wagtail and Django answer some with the page, a redirect or a CSRF error. On public addresses
    only the views that `PUBLIC_FORM_VIEWS` names take a POST; the admin and the API answer for
    themselves, but for methods that nobody knows. Methods are case-sensitive (RFC 9110, 9.1), and Django
    would take `get` for `GET`. TRACE is never echoed.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        method = str(request.META.get("REQUEST_METHOD", ""))
        if request.path.startswith(admin_home()) or is_api_request(request):
            if method not in KNOWN:
                return _not_allowed(request, [*READING, "POST"])
            return get_response(request)
        if method in {"GET", "HEAD"}:
            return get_response(request)
        allowed = [*READING, "POST"] if _takes_a_form(request) else READING
        if method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join(allowed)})
        if method in allowed:
            return get_response(request)
        return _not_allowed(request, allowed)

    return middleware


def _takes_a_form(request: HttpRequest) -> bool:
    try:
        return resolve(request.path_info).view_name in settings.PUBLIC_FORM_VIEWS
    except Resolver404:
        return False


def _not_allowed(request: HttpRequest, allowed: Iterable[str]) -> HttpResponse:
    if is_api_request(request):
        problem = problem_response(405, "This method is not known here.")
        return HttpResponse(
            problem.content,
            status=405,
            content_type=CONTENT_TYPE,
            headers={"Allow": ", ".join(allowed)},
        )
    return HttpResponseNotAllowed(
        allowed, "This address does not take that method.\n", content_type="text/plain"
    )
