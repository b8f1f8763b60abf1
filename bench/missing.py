"""Programs that a benchmark needs and a machine may lack."""

import os
import shutil


class NotMeasured(Exception):
    """Why nothing was measured, and what to do about it."""


def program(name: str, package: str) -> str:
    """Return the path of a program; raises NotMeasured."""
    # Debian keeps nginx where a user's own path does not look.
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotMeasured(f"There is no {name}. Debian, Ubuntu: apt install {package}")
    return found
