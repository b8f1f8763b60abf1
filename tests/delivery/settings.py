"""Settings of the web processes of these tests."""

import os

from tests.settings import *  # noqa: F403 - settings build on settings

DELIVERY_SWEEP_EVERY = float(os.environ["SWEEP_EVERY"])
if "sqlite" in DATABASES["default"]["ENGINE"]:  # noqa: F405
    # A connection that is open would go on reading a file that a test takes away.
    DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
