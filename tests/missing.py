"""What a test does when this machine lacks something that it needs."""

import os
from typing import NoReturn

import pytest

IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}


def missing(what: str) -> NoReturn:
    """Skip, saying what is missing and how to get it; in CI a skip is a failure."""
    if IN_CI:
        pytest.fail(what)
    pytest.skip(what)
