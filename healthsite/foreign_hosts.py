"""Requests for another host, as whoever scans the internet sends them: one line each in the log."""

import logging


class AsOneWarning(logging.Filter):
    """Take the traceback from a record, which is of Django's own code, and lower it to a warning.

    It stays in the log under its logger's name, `django.security.DisallowedHost`, so that it can be counted.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record through, changed."""
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        return True
