"""Forms that the admin's own pages did not send: 400, where stock Wagtail fails with 500."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.datastructures import MultiValueDictKeyError

from healthsite.views import bad_request

logger = logging.getLogger(__name__)

# Hidden fields of a StreamField, which a script of the admin keeps as numbers.
_NUMBERS = ("-count", "-order")


class ForgedForms:
    """Middleware: a form of the admin without its hidden fields is a mistake of its sender.

    Such a form comes from a script, from a page that was only half loaded, or from an attack. Nothing of
    it was saved; the answer says so, and the browser's way back still has what was typed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer 400 where fields are missing or are no numbers; any other error stays one."""
        if request.method != "POST" or not request.path.startswith(reverse("wagtailadmin_home")):
            return None
        if isinstance(error, MultiValueDictKeyError) or (
            isinstance(error, ValueError) and _has_numbers_that_are_none(request)
        ):
            logger.warning("A form without its fields was refused: %s", request.path)
            return bad_request(request, error)
        return None


def _has_numbers_that_are_none(request: HttpRequest) -> bool:
    return any(
        name.endswith(_NUMBERS) and not str(value).isdecimal()
        for name, value in request.POST.items()
    )
