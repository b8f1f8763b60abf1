"""Telling a worker that there is work, after the commit that made it.

Only a courtesy: whatever is not told is found by the next sweep, seconds later. So nobody waits for it for longer
than 0.2 s, it is tried once, and no failure of it reaches the caller.
"""

import logging
import threading
import time
from functools import partial
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)

# A broker that did not answer is not asked again for so long, in seconds.
_BREAK = 2.0


class _Connection(threading.local):
    """One connection a thread: they are not made to be shared."""

    broker: Any = None


_mine = _Connection()
_silent_until = 0.0


def wake_after_commit(task: str) -> None:
    """Ask for a task (by its name, without arguments) once the transaction that is open is committed."""
    transaction.on_commit(partial(wake, task), robust=True)


def wake(task: str) -> bool:
    """Ask for a task; return whether the broker took it. Never raises."""
    global _silent_until
    if time.monotonic() < _silent_until:
        return False
    try:
        # What was asked for so long ago, a sweep has done.
        current_app.send_task(task, connection=_broker(), retry=False, expires=10)
    except Exception as silence:  # noqa: BLE001 - kombu lets everything through that its transports raise
        _silent_until = time.monotonic() + _BREAK
        _forget()
        logger.warning("no worker was told of %s, a sweep will find it: %s", task, silence)
        return False
    return True


def _broker() -> Any:
    if _mine.broker is None:
        patience = settings.VALKEY_TIMEOUT
        # Without the last, kombu tries a dead server again after two seconds.
        options = {
            "socket_timeout": patience,
            "socket_connect_timeout": patience,
            "max_retries": 0,
        }
        _mine.broker = current_app.connection_for_write(
            transport_options=dict(current_app.conf.broker_transport_options) | options,
            connect_timeout=patience,
        )
    return _mine.broker


def _forget() -> None:
    broker, _mine.broker = _mine.broker, None
    if broker is not None:
        # Not `close`: it would say goodbye to a server that does not answer.
        broker.collect(socket_timeout=0.01)
