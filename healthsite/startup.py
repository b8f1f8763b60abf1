"""Refuse to start what must not run: each process asks here before its work begins."""

import logging
import sys

from django.core.checks import ERROR, CheckMessage

from healthsite import checks

logger = logging.getLogger(__name__)


def refusals() -> list[str]:
    """Return why the site must not start, a sentence each; log what may be meant."""
    found = [message for check in checks.ALL for message in check()]
    for message in found:
        if message.level < ERROR:
            logger.warning("%s", _sentence(message))
    return [_sentence(message) for message in found if message.is_serious(ERROR)]


def refuse_unsafe() -> None:
    """End this process with the sentences and status 1 where the site must not start."""
    if found := refusals():
        sys.exit("\n".join(f"Configuration: {sentence}" for sentence in found))


def _sentence(message: CheckMessage) -> str:
    return f"{message.msg} {message.hint or ''} ({message.id})".replace("  ", " ")
