"""The web processes are forked from a process that has loaded the site, and nothing that a fork breaks."""

import subprocess
import sys

from healthsite.paths import PROJECT_ROOT

LOADED = """
import gc, sys, threading
from healthsite import web_server
web_server.load()
from django.db import connections
assert "articles.models" in sys.modules and "healthsite.views" in sys.modules, "the site is not loaded"
assert gc.get_freeze_count() > 100_000, "a collection would write into what is shared"
assert threading.active_count() == 1, threading.enumerate()
assert all(each.connection is None for each in connections.all(initialized_only=True)), "a connection is open"
"""


def test_loading_leaves_no_thread_and_no_connection_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
