"""Errors of the API, shaped as problem details (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, JsonResponse
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler as rest_exception_handler

CONTENT_TYPE = "application/problem+json"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return an API error as a problem; anything unexpected stays an exception."""
    response = rest_exception_handler(error, context)
    if response is None:
        return None
    problem = _problem(response.status_code)
    if isinstance(error, APIException) and isinstance(error.detail, dict):
        problem["detail"] = "Some fields are missing or not valid; see errors."
        problem["errors"] = error.detail
    elif isinstance(error, APIException) and isinstance(error.detail, list):
        problem["detail"] = " ".join(str(item) for item in error.detail)
    else:
        problem["detail"] = str(getattr(error, "detail", error)) or problem["title"]
    response.data = problem
    response.content_type = CONTENT_TYPE
    return response


def problem_response(status: int, detail: str) -> JsonResponse:
    """Return a problem outside the API's views, such as for an address that leads nowhere."""
    return JsonResponse(
        _problem(status) | {"detail": detail}, status=status, content_type=CONTENT_TYPE
    )


def is_api_request(request: HttpRequest) -> bool:
    """Tell whether an error answer should be a problem rather than a page."""
    return request.path.startswith("/api/")


def _problem(status: int) -> dict[str, Any]:
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
