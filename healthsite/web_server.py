"""`python -m healthsite.web_server`: granian's command line, with the site loaded before it forks.

Its web processes then share what they only read (docs/decisions/0004): a third of their memory less.
"""

import gc
import multiprocessing
import os
import sys
from collections.abc import Sequence

import django
from django.db import connections


def load() -> None:
    """Load the site, and move what is loaded out of the garbage collector's way.

    A collection writes into every object it looks at, and a page written to is shared no more. Nothing
    here opens a connection or starts a thread: neither survives a fork. Raises ImproperlyConfigured.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthsite.settings")
    gc.disable()
    django.setup()
    from django.urls import get_resolver  # noqa: PLC0415 - needs the apps

    get_resolver().url_patterns  # noqa: B018 - imports every view
    from healthsite.delivery import wrapper  # noqa: F401, PLC0415

    gc.freeze()
    gc.enable()


def run(arguments: Sequence[str]) -> None:
    """Become granian with these arguments; does not return."""
    from granian.cli import entrypoint  # noqa: PLC0415 - not before the site: what is imported here is forked too

    # What asked before the start may have left one open, and SQLite's locks belong to a process.
    connections.close_all()
    if sys.platform == "linux":
        # Python 3.14 forks no more of itself, and granian then starts each process anew.
        multiprocessing.set_start_method("fork")
    sys.argv[1:] = arguments
    entrypoint()  # type: ignore[no-untyped-call]  # click's decorators hide its types


if __name__ == "__main__":
    load()
    run(sys.argv[1:])
