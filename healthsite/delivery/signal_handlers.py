"""Telling other hosts what was changed on this one."""

import contextlib
import json
from typing import Any

from articles.freshness.slots import Change
from healthsite.delivery.following import CHANNEL
from sharing import valkey


def names_changed(sender: Any, changes: list[Change], **kwargs: Any) -> None:
    """Say it on the cache server; while that is silent, others read it in the database."""
    with contextlib.suppress(valkey.Silent):
        valkey.volatile().ask(lambda client: client.publish(CHANNEL, json.dumps(changes)))
