"""Django's handler for shares alone: the same views, without what only an editor's request needs.

A reader's share has no cookie. Sessions, sign-in, messages and CSRF would look at nothing, and no static file
lies below these addresses; what is left gives the same answers (docs/decisions/0017).
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirectBase
from django.urls import resolve
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


# What a view has answered already, for the chain to finish.
_PRODUCED = "healthsite.produced"
_LONGEST_PATH = 100


class SharingHandler(WSGIHandler):
    """Django with the middleware that a share needs.

    The middleware gives every redirect the same headers. So the first redirect of a process goes through it
    and shows them, and later ones get them without it; whatever else a view answers goes through it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._host = urlsplit(settings.SITE_URL).netloc
        self._is_secure = settings.HTTPS
        self._added: dict[int, list[tuple[str, str]]] = {}

    def __call__(  # type: ignore[override]  # a list of bytes is an answer too
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request."""
        if self._is_plain(environ):
            # As at the start of any request: a connection that died meanwhile is not used again.
            connection.close_if_unusable_or_obsolete()
            request = self.request_class(environ)
            if request.is_secure() == self._is_secure:
                produced = self._produce(request)
                added = self._added.get(getattr(produced, "status_code", 0))
                if added is not None and _is_redirect(produced):
                    status = f"{produced.status_code} {produced.reason_phrase}"
                    start_response(status, [*produced.items(), *added])
                    return []
                environ[_PRODUCED] = produced
        answer: Iterable[bytes] = super().__call__(environ, start_response)
        return answer

    def _is_plain(self, environ: Environ) -> bool:
        """Return whether the middleware would let the request through to its view as it is."""
        path = environ["PATH_INFO"]
        return (
            environ["REQUEST_METHOD"] == "GET"
            and not environ["QUERY_STRING"]
            and environ.get("HTTP_HOST") == self._host
            and len(path) <= _LONGEST_PATH
            and "\0" not in path
        )

    def _produce(self, request: HttpRequest) -> Any:
        """Return what the view answers, or the error that it raises."""
        try:
            # The site's other addresses are not looked through first.
            match = resolve(request.path_info, "sharing.urls")
            request.resolver_match = match
            return match.func(request, *match.args, **match.kwargs)
        except Exception as error:  # noqa: BLE001 - the chain knows what to say
            return error

    def _get_response(self, request: HttpRequest) -> HttpResponseBase:
        produced = request.META.pop(_PRODUCED, None)
        if isinstance(produced, Exception):
            raise produced
        if produced is None:
            answer: HttpResponseBase = super()._get_response(request)  # type: ignore[misc]
            return answer
        return produced  # type: ignore[no-any-return]

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        """Answer through the middleware, and remember what it gives a redirect."""
        produced: Any = request.META.get(_PRODUCED)
        names = {name.lower() for name, _ in produced.items()} if _is_redirect(produced) else None
        answer: HttpResponseBase = super().get_response(request)
        if names is not None and _is_redirect(answer):
            self._added[answer.status_code] = [
                (name, value) for name, value in answer.items() if name.lower() not in names
            ]
        return answer

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain; raises ImproperlyConfigured for middleware that does more than wrap it."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler = convert_exception_to_response(self._get_response)
        for name in reversed([each for each in settings.MIDDLEWARE if each not in NOT_NEEDED]):
            middleware = import_string(name)(handler)
            for hook in ("process_view", "process_template_response", "process_exception"):
                if hasattr(middleware, hook):
                    raise ImproperlyConfigured(f"{name} has {hook}, which shares would miss.")
            handler = convert_exception_to_response(middleware)
        self._middleware_chain = handler


def _is_redirect(answer: object) -> bool:
    return isinstance(answer, HttpResponseRedirectBase) and not answer.cookies


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
