"""What `manage.py prepare` tells the supervisor through a pipe: its steps, and a new password.

The password passes through this pipe and the screen, and through nothing that stays.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def unshown_password_marker(data: Path) -> Path:
    """Return the empty file that exists from making a password until somebody could read it.

    A start that is killed in between would leave an administrator whom nobody can sign in as.
    """
    return data / "admin-password-not-shown"


class Report:
    """The pipe: one JSON object a line, of kind and text."""

    def __init__(self) -> None:
        self._readable, self.writable = os.pipe()
        os.set_blocking(self._readable, False)
        self._unread = b""

    def close_writable(self) -> None:
        """Leave the writing end to the child."""
        os.close(self.writable)

    def arrived(self) -> Iterator[tuple[str, str]]:
        """Yield what has come since the last call, as (kind, text)."""
        with suppress(BlockingIOError):
            while chunk := os.read(self._readable, 65536):
                self._unread += chunk
        *whole, self._unread = self._unread.split(b"\n")
        for line in whole:
            for kind, text in json.loads(line).items():
                yield str(kind), str(text)
