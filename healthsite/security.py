"""What every answer carries and every request is checked for."""

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

from csp.constants import HEADER
from csp.middleware import CSPMiddleware, PolicyParts
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

LONGEST_PATH = 2000
LONGEST_SEARCH = 250


class ContentSecurityPolicy(CSPMiddleware):
    """The strict policy on every page; Wagtail's editing views alone get the laxer one.

    The log-in page is public and keeps the strict policy. Also sets Cross-Origin-Resource-Policy.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Add the headers that an answer does not carry already."""
        answer = (
            super().process_response(request, response)
            if self._has_its_own(request, response)
            else self._with_ready_policy(request, response)
        )
        # Pictures are for networks' cards and other sites' readers; pages are not to be embedded.
        if not request.path.startswith((settings.STATIC_URL, settings.MEDIA_URL)):
            answer.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return answer

    def _has_its_own(self, request: HttpRequest, response: HttpResponseBase) -> bool:
        """Return whether this one answer's policy is another than its part of the site has."""
        return (
            settings.DEBUG
            or hasattr(request, "_csp_nonce")
            or any(name.startswith("_csp") for name in vars(response))
        )

    def _with_ready_policy(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Set the policy, which is put together once: it takes as long as a share's answer."""
        if HEADER not in response.headers:
            response.headers[HEADER] = _ready_policy(is_admin=_is_admin(request))
        return response

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """Return the policy for this request's part of the site."""
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.replace is None and _is_admin(request):
            parts.replace = dict(settings.ADMIN_CONTENT_SECURITY_POLICY)
        return parts


def refuse_unusable_addresses(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Answer 400 to addresses that nobody needs and that something behind here would fail on.

    A NUL cannot be stored by PostgreSQL. A path of thousands of digits is taken for a number, and is
    none that Python reads. Wagtail's searches nest one expression a word, so that some hundred words end
    in a RecursionError.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        query = unquote_to_bytes(str(request.META.get("QUERY_STRING", "")))
        if "\0" in request.path or b"\0" in query:
            raise BadRequest("The address has a NUL character in it.")
        if len(request.path) > LONGEST_PATH:
            raise BadRequest("The address is too long.")
        if len(request.GET.get("q", "")) > LONGEST_SEARCH:
            raise BadRequest(f"A search has at most {LONGEST_SEARCH} characters.")
        return get_response(request)

    return middleware


@cache
def _ready_policy(*, is_admin: bool) -> str:
    replace = dict(settings.ADMIN_CONTENT_SECURITY_POLICY) if is_admin else None
    return str(build_policy(replace=replace))


@cache
def admin_home() -> str:
    """Return the admin's address."""
    return reverse("wagtailadmin_home")


def _is_admin(request: Any) -> bool:
    # A preview is rendered through a request of its own, for a page's public address.
    if getattr(request, "is_preview", False):
        return True
    path: str = request.path
    return path.startswith(admin_home()) and path != reverse("wagtailadmin_login")
