"""Say how far long work is: one line that is written over on a terminal, else a line a step."""

import time
from typing import TextIO

from django.core.management.base import OutputWrapper

_REDRAW_EVERY = 0.1


class Progress:
    """Tell steps, and within a step the share of its bytes that is done."""

    def __init__(self, output: TextIO | OutputWrapper) -> None:
        self._output = output
        self._is_terminal = output.isatty()
        self._step, self._total, self._done, self._drawn_at = "", 0, 0, 0.0

    def say(self, line: str) -> None:
        """Write a line of its own."""
        self._clear()
        self._output.write(f"{line}\n")
        self._output.flush()

    def start(self, step: str, total: int) -> None:
        """Begin a step of `total` bytes."""
        self._step, self._total, self._done = step, total, 0
        self._draw()

    def advance(self, count: int) -> None:
        """Note that `count` more bytes are done."""
        self._done += count
        if time.monotonic() - self._drawn_at >= _REDRAW_EVERY:
            self._draw()

    def finish(self, line: str) -> None:
        """End the step with what it came to."""
        self.say(f"{self._step}: {line}")
        self._step = ""

    def _draw(self) -> None:
        if self._is_terminal and self._step:
            percent = min(100, 100 * self._done // self._total) if self._total else 0
            self._output.write(
                f"\r\033[K{self._step}: {percent} % ({size(self._done)} of {size(self._total)})"
            )
            self._output.flush()
            self._drawn_at = time.monotonic()

    def _clear(self) -> None:
        if self._is_terminal:
            self._output.write("\r\033[K")


def size(count: int) -> str:
    """Return a number of bytes in words, in powers of 1000."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
