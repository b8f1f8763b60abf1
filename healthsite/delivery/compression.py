"""Django's own compression and conditional answers, for what is not kept."""

from typing import Any

from django.middleware.gzip import GZipMiddleware
from django.middleware.http import ConditionalGetMiddleware

from healthsite.delivery.keeping import will_be_kept


class _UnlessKept:
    """Leave an answer that is kept as it is: delivery makes all its encodings, and its ETags, from it."""

    def process_response(self, request: Any, response: Any) -> Any:
        """Return the answer, finished where this is its last step."""
        if will_be_kept(request, response):
            return response
        return super().process_response(request, response)  # type: ignore[misc]  # a mixin


class GZip(_UnlessKept, GZipMiddleware):
    """Compress an answer."""


class ConditionalGet(_UnlessKept, ConditionalGetMiddleware):
    """Give an answer an ETag and compare it."""
