"""Pages of the site itself."""

import sys
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django.views.static import serve
from wagtail.documents.views.serve import serve as serve_document

from healthsite.problems import is_api_request, problem_response
from sharing import card_files


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Say what is counted, what is not, and what is never stored."""
    return render(request, "privacy.html", {"retention_days": settings.SHARE_EVENT_RETENTION.days})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Keep robots from the share intents; short links stay open, previews follow them."""
    lines = ["User-agent: *", "Disallow: /share/", "Disallow: /admin/", "Disallow: /api/", ""]
    lines += [f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@require_safe
def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Serve an uploaded file, never as a page of ours."""
    if path.startswith("documents/"):
        # Their own view knows who may read which.
        raise Http404(path[:100])
    try:
        response = serve(request, path, document_root=str(settings.MEDIA_ROOT))
    except OSError as error:
        # Such as a name that no file system takes.
        raise Http404(path[:100]) from error
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    # A card's name is a digest of what is in it.
    age = "31536000, immutable" if card_files.is_card(path) else "3600"
    response.headers["Cache-Control"] = f"public, max-age={age}"
    return response


@require_safe
def document(request: HttpRequest, document_id: str, document_filename: str) -> HttpResponseBase:
    """Serve a document through Wagtail's view, which knows who may read it, never as a page of ours."""
    response: HttpResponseBase = serve_document(request, document_id, document_filename)
    if response.status_code == HTTPStatus.OK:
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400."""
    return _error(request, 400, "The request was not understood.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    return _error(request, 403, "You may not open this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 to a form that did not come from a page of ours, or waited too long."""
    return _error(request, 403, "The form did not come from a page of this site.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    return _error(request, 404, "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 without asking anything that may be broken; 503 while the database is silent."""
    is_silent = isinstance(sys.exc_info()[1], InterfaceError | OperationalError)
    status = HTTPStatus.SERVICE_UNAVAILABLE if is_silent else HTTPStatus.INTERNAL_SERVER_ERROR
    response: HttpResponse = (
        problem_response(status, "Something failed on our side. It has been logged.")
        if is_api_request(request)
        else render(request, "500.html", status=status)
    )
    if is_silent:
        response.headers["Retry-After"] = "10"
    return response


def _error(request: HttpRequest, status: int, detail: str, **context: Any) -> HttpResponse:
    if is_api_request(request):
        return problem_response(status, detail)
    return render(request, f"{status}.html", context, status=status)
