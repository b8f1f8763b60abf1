#!/usr/bin/env python3
"""Run Django's command line for this project."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from healthsite import paths
from healthsite.supervisor import data_folder
from healthsite.supervisor.failure import Failure


def _make_secret_key() -> None:
    """Make the key that the settings need: a restore begins in a folder where no start has made one."""
    try:
        data_folder.make_writable(paths.data_dir())
        data_folder.make_secret_key(paths.data_dir())
    except Failure as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthsite.settings")
    if sys.argv[1:2] == ["restore"] and not os.environ.get("SECRET_KEY", "").strip():
        _make_secret_key()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # The sentence says what to do; where it was raised says nothing more.
        sys.exit(f"Configuration: {error}")
