"""What a test does when this machine lacks something that it needs."""

import os
import shutil
from typing import NoReturn

import pytest

IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}


def missing(what: str) -> NoReturn:
    """Skip, saying what is missing and how to get it; in CI a skip is a failure."""
    if IN_CI:
        pytest.fail(what)
    # Somebody without a browser or nginx can still run everything else; what is left out is named at the end.
    pytest.skip(what)


def program(name: str, package: str) -> str:
    """Return where a program is, also where only root looks; without it the test says what to install."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    return shutil.which(name, path=path) or missing(f"{name} is missing (apt install {package})")
