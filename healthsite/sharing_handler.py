"""Django's handler for shares alone: the same views, without what only an editor's request needs.

A reader's share has no cookie. Sessions, sign-in, messages and CSRF would look at nothing, and no static file
lies below these addresses; what is left gives the same answers (docs/decisions/0017).
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string

from healthsite.delivery.answers import StartResponse
from healthsite.delivery.wrapper import Application, Environ

PREFIXES = ("/share/", "/s/")
# Each does nothing to a request without a cookie below these addresses.
NOT_NEEDED = frozenset(
    {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "healthsite.forged_forms.ForgedForms",
    }
)


class SharingHandler(WSGIHandler):
    """Django with the middleware that a share needs."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain; raises ImproperlyConfigured for middleware that does more than wrap it."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        respond: Any = super()._get_response  # type: ignore[misc]
        handler = convert_exception_to_response(respond)
        for name in reversed([each for each in settings.MIDDLEWARE if each not in NOT_NEEDED]):
            middleware = import_string(name)(handler)
            for hook in ("process_view", "process_template_response", "process_exception"):
                if hasattr(middleware, hook):
                    raise ImproperlyConfigured(f"{name} has {hook}, which shares would miss.")
            handler = convert_exception_to_response(middleware)
        self._middleware_chain = handler


class SharesApart:
    """A WSGI application: shares without a cookie go the short way, everything else goes Django's."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._shares = SharingHandler()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        # An editor sees the names of campaigns and is not counted: who sends a cookie goes the long way.
        if environ["PATH_INFO"].startswith(PREFIXES) and "HTTP_COOKIE" not in environ:
            answer: Iterable[bytes] = self._shares(environ, start_response)
            return answer
        return self._application(environ, start_response)
