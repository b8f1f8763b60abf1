"""Draw how far counted work is: one line that is written over on a terminal, nothing elsewhere."""

import shutil
import time
from typing import TextIO

from django.core.management.base import OutputWrapper

_REDRAW_EVERY = 0.1
_WIDEST = 40


class Bar:
    """A bar for work of a known size; lines that are said stand above it."""

    def __init__(self, output: TextIO | OutputWrapper) -> None:
        self._output = output
        self._is_terminal = output.isatty()
        self._drawn_at = 0.0
        encoding = (getattr(output, "encoding", None) or "ascii").lower()
        self._full, self._empty = ("█", "░") if encoding.startswith("utf") else ("#", ".")

    def draw(self, label: str, done: int, of: int) -> None:
        """Show that `done` of `of` is done; a call soon after another one does nothing."""
        if not self._is_terminal or time.monotonic() - self._drawn_at < _REDRAW_EVERY:
            return
        self._output.write(f"\r\033[K{self.line(label, done, of, width=_width())}")
        self._output.flush()
        self._drawn_at = time.monotonic()

    def say(self, line: str) -> None:
        """Write a line of its own, instead of the bar."""
        self._output.write(f"{chr(13)}\033[K{line}\n" if self._is_terminal else f"{line}\n")
        self._drawn_at = 0.0

    def clear(self) -> None:
        """Take the bar away."""
        if self._is_terminal:
            self._output.write("\r\033[K")
            self._output.flush()

    def line(self, label: str, done: int, of: int, *, width: int) -> str:
        """Return the bar as text, at most `width` long: where there is no room, without the bar itself."""
        part = min(1.0, done / of) if of else 1.0
        told = f"{int(100 * part):>3} %  {done:,} of {of:,}"
        room = min(_WIDEST, width - len(label) - len(told) - 4)
        if room < 5:
            return f"{label} {told}"[:width]
        full = int(room * part)
        return f"{label}  {self._full * full}{self._empty * (room - full)} {told}"


def _width() -> int:
    # The last column makes some terminals wrap.
    return shutil.get_terminal_size().columns - 1
