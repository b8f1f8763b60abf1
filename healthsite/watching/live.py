"""Show the pipeline each second until Ctrl-C, and leave the terminal as it was."""

import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from django.core.management.base import OutputWrapper

from healthsite.watching import reading, screen

EVERY = 1.0

_ENTER = "\033[?1049h\033[?25l"
_LEAVE = "\033[?25h\033[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\033[H", "\033[K", "\033[J"


def watch(output: TextIO | OutputWrapper, servers: reading.Servers, *, colours: bool) -> None:
    """Draw until Ctrl-C or SIGTERM; the last screen stays in the terminal afterwards."""
    shown: list[str] = []
    try:
        with _own_screen(output):
            before = None
            while True:
                size = shutil.get_terminal_size()
                now = reading.take(servers)
                shown = screen.lines(
                    now, reading.rates(before, now), width=size.columns, colours=colours
                )
                before = now
                # One line more than the terminal has would push the first one out.
                visible = [f"{line}{_REST_OF_LINE}" for line in shown[: size.lines - 1]]
                output.write(f"{_HOME}{chr(10).join(visible)}\n{_REST_OF_SCREEN}")
                output.flush()
                time.sleep(EVERY)
    except KeyboardInterrupt:
        output.write("".join(f"{line}\n" for line in shown))


@contextmanager
def _own_screen(output: TextIO | OutputWrapper) -> Iterator[None]:
    before: Any = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    output.write(_ENTER)
    try:
        yield
    finally:
        output.write(_LEAVE)
        output.flush()
        signal.signal(signal.SIGTERM, before)
