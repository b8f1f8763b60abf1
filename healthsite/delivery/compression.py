"""Django's own compression and conditional answers, for what is not kept."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.middleware.http import ConditionalGetMiddleware

from healthsite.delivery.keeping import will_be_kept


class GZip(GZipMiddleware):
    """Compress an answer unless it is kept: then all its encodings are made from it."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Return the answer, compressed where that is its last step."""
        return (
            response
            if will_be_kept(request, response)
            else super().process_response(request, response)
        )


class ConditionalGet(ConditionalGetMiddleware):
    """Give an answer an ETag and compare it, unless it is kept."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Return the answer or a 304."""
        return (
            response
            if will_be_kept(request, response)
            else super().process_response(request, response)
        )
