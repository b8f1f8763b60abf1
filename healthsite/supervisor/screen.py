"""Say things to the person who started the site."""

import os
import time

_started = time.monotonic()


def say(text: str = "") -> None:
    """Write one line at once; a closed terminal or pipe is no reason to stop serving."""
    line = memoryview(f"{text}\n".encode(errors="replace"))
    try:
        while line:
            line = line[os.write(1, line) :]
    except OSError:
        return


def progress(text: str) -> None:
    """Write one line with the seconds since the start."""
    say(f"{time.monotonic() - _started:6.1f} s  {text}")
