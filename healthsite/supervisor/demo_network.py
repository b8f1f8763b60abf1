"""The demo network beside the site: where posts can be tried without any account, and leave no machine."""

import os
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from healthsite.supervisor import port
from healthsite.supervisor.failure import Failure

VARIABLE = "HEALTHSITE_DEMO_NETWORK"
# The site's processes find it here (healthsite/settings.py).
HOST_VARIABLE = "DEMO_NETWORK_HOST"
_AWAY = 90
_ON, _OFF = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def is_wanted(site_url: str) -> bool:
    """Tell whether to run it: as the variable says, else where the site is for this machine alone."""
    chosen = os.environ.get(VARIABLE, "").strip().lower()
    if chosen in _ON | _OFF:
        return chosen in _ON
    if chosen:
        raise Failure(f"{VARIABLE} takes 1 or 0, not {chosen!r}. Nothing was started.")
    return urlsplit(site_url).hostname in _LOOPBACK


def choose_port(site_port: int) -> int:
    """Return a free port, the same one at each start where that can be: accounts are connected to it."""
    return port.next_free(min(site_port + _AWAY, 65_000) - 1)


def answers(number: int) -> bool:
    """Tell whether something listens on the port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", number), timeout=1):
        return True
    return False
